package import Core
internal import Crypto
internal import HTTPCodec
internal import JSON

/// Has an access token for an account, and a new one when it is due, whoever asks: one worker of the cluster makes the
/// exchange, the others wait for what it got. Each refresh token is good for one exchange only, so that what came of it is
/// written down before it is used.
package struct ChatGPTSignOn: Sendable {
    /// Longer than any call of a desk.
    private static let claimTime = 90
    private static let patience = 600

    let settings: ChatGPTSettings

    package init(_ settings: ChatGPTSettings) { self.settings = settings }

    /// What is to be shown now. `refused` is a token that the upstream no longer takes; `force` asks for a new one whatever
    /// the state of the present one is.
    package func session(
        at desk: any Desk,
        refused: String? = nil,
        force: Bool = false
    ) async throws(GatewayError) -> ChatGPTSession {
        let credential = ChatGPTCredential(desk.key)
        let source = SHA256Digest(of: desk.key).hex
        switch credential.kind {
        case .access(let token):
            if token == refused { throw .tokenRefused }
            let session = ChatGPTSession(
                source: source,
                access: token,
                expires: nil,
                renewed: desk.now,
                workspace: credential.workspace
            )
            if let expires = AccessTokenClaims(token)?.expires, expires <= desk.now { throw .tokenExpired }
            return session
        case .other: throw .noToken
        case .refresh, .cookie: break
        }
        let began = desk.now
        for wait in 0..<Self.patience {
            let known = try await recall(source, at: desk)
            if let known, known.access != refused, known.expires > desk.now, !force || known.renewed >= began {
                return known
            }
            if try await desk.claim("refresh", for: Self.claimTime) {
                return try await renew(credential, source, instead: refused, since: force ? began : nil, at: desk)
            }
            try await desk.pause(milliseconds: min(20 + wait * 10, 250))
        }
        throw GatewayError(.upstreamTimeout, "Renewing the account's access took too long.", retry: .elsewhere)
    }

    private func recall(_ source: String, at desk: any Desk) async throws(GatewayError) -> ChatGPTSession? {
        guard let bytes = try await desk.recall("session"), let session = ChatGPTSession(bytes),
            session.source == source
        else { return nil }
        return session
    }

    /// With the right to do so, which is given back in any case.
    private func renew(
        _ credential: ChatGPTCredential,
        _ source: String,
        instead refused: String?,
        since began: Int?,
        at desk: any Desk
    ) async throws(GatewayError) -> ChatGPTSession {
        do throws(GatewayError) {
            let known = try await recall(source, at: desk)
            // Somebody else has been faster.
            if let known, known.access != refused, known.expires > desk.now, began.map({ known.renewed >= $0 }) ?? true
            {
                await desk.release("refresh")
                return known
            }
            let session = try await exchange(credential, source, known, at: desk)
            try await desk.remember("session", session.bytes, for: ChatGPTSession.memory)
            await desk.release("refresh")
            return session
        } catch {
            await desk.release("refresh")
            throw error
        }
    }

    private func exchange(
        _ credential: ChatGPTCredential,
        _ source: String,
        _ known: ChatGPTSession?,
        at desk: any Desk
    ) async throws(GatewayError) -> ChatGPTSession {
        switch credential.kind {
        case .refresh(let token, let client):
            let used = known?.successor ?? token
            let answer = try await desk.seeThrough(TokenExchange.request(used, client: client, settings))
            return try TokenExchange.session(answer, of: used, source, at: desk.now)
        case .cookie(let value):
            let used = known?.successor ?? value
            let answer = try await desk.seeThrough(CookieExchange.request(used, settings))
            return try CookieExchange.session(answer, of: used, source, at: desk.now)
        case .access, .other: throw .noToken
        }
    }
}

extension GatewayError {
    private static func refusedToken(_ message: String, _ cause: String) -> GatewayError {
        var error = GatewayError(
            .upstreamRefusedCredentials,
            message,
            source: .upstream,
            retry: .elsewhere,
            cause: cause
        )
        error.failureClass = .credentialsRefused
        return error
    }

    static var tokenExpired: GatewayError { refusedToken("The account's access token has expired.", "expired") }
    static var tokenRefused: GatewayError { refusedToken("The account's access token is not accepted.", "refused") }
    static var noToken: GatewayError { refusedToken("The account's credential is no token.", "unknown kind") }

    /// The exchange said so itself.
    static func renewalRefused(_ why: String) -> GatewayError {
        refusedToken("The account's access cannot be renewed: its log-in is no longer good.", why)
    }
}
