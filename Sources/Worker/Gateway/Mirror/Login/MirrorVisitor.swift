import Core
import EventLoop
import Providers
import State

/// Who uses the mirror.
enum MirrorVisitor {
    /// Somebody with a token of an account of its own, for whom everything is passed on.
    case owner(credential: String)
    /// Somebody who shares one of the operator's accounts with others.
    case seed(digest: String, key: KeyRecord?)

    /// For logs.
    var name: String {
        switch self {
        case .owner: "own token"
        case .seed(_, let key?): key.name
        case .seed(let digest, nil): "seed \(digest.prefix(8))"
        }
    }
}

/// Finds out who a visitor is.
@LoopActor
struct MirrorReception {
    let options: Configuration.Mirror
    let authenticator: Authenticator
    let seeds: SeedStore?

    func visitor(_ token: MirrorToken) async throws(GatewayError) -> MirrorVisitor {
        switch ChatGPTCredential(token.text).kind {
        // Old refresh tokens have no other mark than their length, which the operator's words may have too: those must not
        // be shown to anybody.
        case .refresh where !token.text.hasPrefix("rt_"):
            if case .caller = try await authenticator.holder(of: token.text) { return try await seed(token.text) }
            return .owner(credential: token.text)
        case .access, .refresh, .cookie: return .owner(credential: token.text)
        case .other: return try await seed(token.text)
        }
    }

    private func seed(_ word: String) async throws(GatewayError) -> MirrorVisitor {
        let digest = SeedStore.digest(of: word)
        var record: KeyRecord?
        switch try await authenticator.holder(of: word) {
        case .caller(.key(let key)):
            guard key.models.isEmpty || key.models.contains(where: { $0.hasPrefix("chatgpt/") || $0 == "*" }) else {
                throw .invalid(nil, "This API key may not use ChatGPT.", code: .permissionDenied)
            }
            record = key
        case .caller(.master): break
        case .nobody where options.seeds == .keys: throw Self.refusal
        case .nobody: break
        }
        guard let seeds else { throw .noState }
        if !options.bindsUnknownSeeds, try await seeds.binding(of: digest) == nil { throw Self.refusal }
        return .seed(digest: digest, key: record)
    }

    private static var refusal: GatewayError { .invalid(nil, "Invalid seed.", code: .invalidAPIKey) }
}
