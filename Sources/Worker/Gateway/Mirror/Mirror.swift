import Admin
import Core
import EventLoop
import HTTPCodec
import HTTPServer
import Providers
import State
import Upstream

/// The ChatGPT site for browsers and programs that speak to it as its own pages do: what they ask is passed on with an account
/// that the visitor has brought along, or shares.
@LoopActor
final class Mirror {
    let options: Configuration.Mirror
    let site: MirrorSite
    let signOn: ChatGPTSignOn
    let provider: ChatGPTProvider
    let seeds: SeedStore?
    let reception: MirrorReception
    /// The operator's accounts.
    let pool: AccountPool?
    let admin: AdminService?
    unowned let gateway: Gateway

    /// Nothing where the operator wants no mirror.
    init?(_ parts: GatewayParts, gateway: Gateway) {
        guard parts.configuration.mirror.isEnabled,
            let provider = parts.providers.lazy.compactMap({ $0 as? ChatGPTProvider }).first,
            let settings = try? ChatGPTSettings(
                ProviderSettings(parts.configuration.upstreams, now: WallClock.seconds)
            )
        else { return nil }
        options = parts.configuration.mirror
        site = MirrorSite(settings: settings)
        signOn = ChatGPTSignOn(settings)
        self.provider = provider
        self.gateway = gateway
        seeds = parts.seeds
        pool = parts.pools[provider.name]
        admin = parts.admin
        reception = MirrorReception(options: options, authenticator: gateway.authenticator, seeds: parts.seeds)
    }

    func answer(_ request: ServerRequest, _ route: MirrorRoute, _ context: RequestContext) throws(GatewayError) {
        guard route == .site else { return MirrorPages(self, request, route, context).begin() }
        let path = try MirrorPath(request.head.path, query: request.head.query)
        if path.isAnsweredHere { throw .invalid(nil, "There is nothing at this path.", code: .notFound) }
        guard let token = MirrorToken(request.head) else { throw .stranger }
        if token.isFromCookie, SameOrigin.isForeign(request.head) { throw .foreign }
        MirrorVisit(self, request, path, context).begin(token)
    }

    /// How visitors know this service.
    func address(_ context: RequestContext) -> String {
        if let url = gateway.configuration.publicURL { return url }
        let isPlain = context.host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"),
                UInt8(ascii: "["), UInt8(ascii: "]"):
                true
            default: false
            }
        }
        return isPlain && !context.host.isEmpty ? "\(context.scheme)://\(context.host)" : ""
    }

    /// The account that a seed stands for, which stays the same until it is gone for good.
    func account(of seed: String, _ context: RequestContext) async throws(GatewayError) -> MirrorAccount {
        guard let seeds, let pool else { throw .noState }
        let known = try await seeds.binding(of: seed)
        if let known {
            switch try await pool.standing(of: known.account) {
            case .healthy, .resting:
                seeds.touch(seed)
                return try account(known.account)
            case .elsewhere: throw .noMirrorAccount
            case .gone: break
            }
        }
        guard let chosen = pool.usable.filter({ $0 != known?.account }).randomElement() else { throw .noMirrorAccount }
        let bound = try await seeds.bind(
            seed,
            to: chosen,
            insteadOf: known?.account,
            because: known.map { "\($0.account) is gone" } ?? ""
        )
        if let known {
            gateway.log(
                .warning,
                "seed bound anew",
                LogField("request_id", context.id),
                LogField("seed", String(seed.prefix(8))),
                LogField("gone", known.account),
                LogField("account", bound)
            )
        }
        return try account(bound)
    }

    private func account(_ id: String) throws(GatewayError) -> MirrorAccount {
        guard let credential = pool?.credential(of: id) else { throw .noMirrorAccount }
        return MirrorAccount(id: id, credential: credential, isShared: true)
    }
}

/// Whose access is shown to the site.
struct MirrorAccount: Sendable {
    let id: String
    let credential: String
    let isShared: Bool

    init(id: String, credential: String, isShared: Bool) {
        self.id = id
        self.credential = credential
        self.isShared = isShared
    }

    /// The visitor's own.
    @LoopActor
    init(own credential: String) {
        self.init(id: TurnDesk.name(ofOwn: credential), credential: credential, isShared: false)
    }
}

extension GatewayError {
    static var stranger: GatewayError {
        .invalid(nil, "Log in, or send a token in an Authorization header.", code: .invalidAPIKey)
    }

    static var foreign: GatewayError {
        .invalid("Origin", "Pages of other sites may not ask for this.", code: .permissionDenied)
    }

    static var noMirrorAccount: GatewayError {
        GatewayError(.upstreamOverloaded, "No ChatGPT account can be used at present.", retryAfter: 10)
    }
}
