import Core
import EventLoop
import HTTPCodec
import HTTPServer
import JSON
import Providers

/// A token of the visitor's own, renewed where it will not last, and what the site says of its account.
@LoopActor
struct TokenRenewal {
    private let pages: MirrorPages
    /// A token that lasts longer is left alone.
    private static let margin = 5 * 86_400

    init(_ pages: MirrorPages) { self.pages = pages }

    func answer() async throws(GatewayError) -> MirrorPages.Answer {
        try pages.allow(.post)
        let fields = MirrorQuery(pages.request.body)
        let refresh = fields?["refresh_token"]
        let access = fields?["access_token"] ?? fields?["accessToken"]
        guard let given = (refresh ?? access).flatMap({ MirrorToken.checked(Array($0.utf8)) }) else {
            throw .invalid("refresh_token", "A refresh_token or an access_token is needed.", code: .missingParameter)
        }
        if case .other = ChatGPTCredential(given).kind {
            throw .invalid("refresh_token", "This is neither a refresh token nor an access token.")
        }
        let (token, successor) = try await token(given, lasting: access)
        return .json { writer in
            writer.member("access_token", token)
            writer.member("accessToken", token)
            if let refresh = successor ?? refresh { writer.member("refresh_token", refresh) }
            write(AccessTokenClaims(token), &writer)
        }
    }

    /// The access token that is at hand, if it lasts; else what the other is exchanged for, and what is to be exchanged next.
    private func token(
        _ given: String,
        lasting access: String?
    ) async throws(GatewayError) -> (access: String, refresh: String?) {
        if let access, let expires = AccessTokenClaims(access)?.expires, expires > WallClock.seconds() + Self.margin {
            return (access, nil)
        }
        let account = MirrorAccount(own: given)
        let mirror = pages.mirror
        let desk = mirror.gateway.makeDesk(
            mirror.provider,
            account: account.id,
            key: account.credential,
            for: pages.context
        )
        pages.context.exchange.onClientGone = { desk.close() }
        do throws(GatewayError) {
            let session = try await mirror.signOn.session(at: desk, force: ChatGPTCredential(given).isRenewable)
            pages.context.exchange.onClientGone = nil
            return (session.access, session.successor)
        } catch {
            pages.context.exchange.onClientGone = nil
            guard error.failureClass == .credentialsRefused else { throw error }
            throw .invalid(nil, "The token is not accepted, or no longer.", code: .invalidAPIKey)
        }
    }

    private func write(_ claims: AccessTokenClaims?, _ writer: inout JSONWriter) {
        guard let claims else { return }
        if let expires = claims.expires { writer.member("expires", expires) }
        writer.key("account")
        writer.beginObject()
        if let id = claims.account { writer.member("account_id", id) }
        if let user = claims.user { writer.member("user_id", user) }
        if let email = claims.email { writer.member("email", email) }
        if let plan = claims.plan { writer.member("plan_type", plan) }
        writer.endObject()
    }
}
