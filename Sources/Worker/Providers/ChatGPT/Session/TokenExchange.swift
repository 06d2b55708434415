internal import Core
internal import HTTPCodec
internal import JSON

/// A refresh token becomes an access token.
enum TokenExchange {
    /// What the upstream says when a refresh token is dead, and not merely unwelcome just now.
    private static let deaths = [
        "invalid_grant", "access_denied", "refresh_token_expired", "refresh_token_reused", "refresh_token_invalidated",
        "app_session_terminated",
    ]

    static func request(_ token: String, client: String?, _ settings: ChatGPTSettings) -> OutgoingRequest {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("client_id", client ?? settings.authClient)
        writer.member("grant_type", "refresh_token")
        if let redirect = settings.authRedirect { writer.member("redirect_uri", redirect) }
        if let scope = settings.authScope { writer.member("scope", scope) }
        writer.member("refresh_token", token)
        writer.endObject()
        return OutgoingRequest(
            url: settings.authURL,
            headers: [
                HTTPHeader("Content-Type", "application/json"), HTTPHeader("Accept", "application/json"),
                HTTPHeader("User-Agent", settings.userAgent),
            ],
            body: writer.take()
        )
    }

    static func session(
        _ answer: DeskAnswer,
        of token: String,
        _ source: String,
        at now: Int
    ) throws(GatewayError) -> ChatGPTSession {
        guard answer.isSuccess else { throw failure(answer, at: now) }
        guard let root = (try? JSONDocument(parsing: answer.body))?.root, let access = root["access_token"]?.string,
            !access.isEmpty
        else { throw .unexpectedAnswer }
        let next = root["refresh_token"]?.string ?? ""
        return ChatGPTSession(
            source: source,
            access: access,
            expires: root["expires_in"]?.int.map { now + min(max(0, $0), 1 << 40) },
            renewed: now,
            successor: next.isEmpty ? token : next
        )
    }

    private static func failure(_ answer: DeskAnswer, at now: Int) -> GatewayError {
        let root = (try? JSONDocument(parsing: answer.body))?.root
        // Either form has been seen.
        let code = root?["error"]?.string ?? root?["error"]?["code"]?.string ?? root?["code"]?.string ?? ""
        if (400..<500).contains(answer.status), deaths.contains(code) { return .renewalRefused(code) }
        var error = UpstreamFailure.make(answer.failed(at: now))
        error.cause = "token exchange, status \(answer.status)"
        if error.source == .client || error.failureClass == .credentialsRefused {
            // Neither the client nor, as far as anybody said, the account is to blame.
            error = GatewayError(
                .upstreamError,
                "The account's access could not be renewed.",
                source: .upstream,
                retry: .elsewhere,
                cause: "token exchange, status \(answer.status)"
            )
            error.failureClass = .failing
        }
        return error
    }
}
