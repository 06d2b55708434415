internal import Core
internal import JSON

/// What unsuccessful answers of the application mean. Its codes are gRPC's; bodies are `{"error":{"code","message"}}` or the
/// same without `error` around it, or pages of what stands before it.
enum GrokFailure {
    /// Words by which the application says that an account is no more.
    private static let finished = [
        "invalid-credentials", "bad-credentials", "failed to look up session id", "blocked-user",
        "email-domain-rejected",
        "session not found", "account suspended", "token revoked", "token expired",
    ]

    static func make(_ answer: FailedAnswer) -> GatewayError {
        let details = FailureDetails(answer.body)
        var error = make(answer.status, details)
        if let seconds = UpstreamFailure.seconds(answer) { error.retryAfter = seconds }
        error.cause = "status \(answer.status)"
        return error
    }

    /// `{"error":{"code","message"}}` where a frame was expected.
    static func make(event error: JSONValue?) -> GatewayError {
        var details = FailureDetails(nil)
        details.message = (error?.string ?? error?["message"]?.string).flatMap(FailureDetails.presentable)
        let status =
            switch error?["code"]?.int {
            case 3?, 11?: 400
            case 5?: 404
            case 7?: 403
            case 8?: 429
            case 14?: 503
            case 16?: 401
            default: 500
            }
        var error = make(status, details)
        error.cause = "error frame"
        return error
    }

    private static func make(_ status: Int, _ details: FailureDetails) -> GatewayError {
        let words = details.message?.lowercased() ?? ""
        if finished.contains(where: words.contains), (400..<500).contains(status) { return refused }
        switch status {
        case 200..<300 where details.isPage, 403 where details.isPage || words.contains("anti-bot"),
            401 where details.isPage, 429 where details.isPage, 503 where details.isPage && words.isEmpty:
            return blocked
        // Not a word about the message: it is this wire that is no longer spoken.
        case 400 where words.contains("update your client"):
            return GatewayError(
                .upstreamInvalid,
                "The application no longer takes requests in this form; the operator can choose another with GROK_WIRE.",
                source: .upstream,
                retry: .elsewhere
            )
        case 400 where words.contains("parentresponseid") || words.contains("parent response"):
            return .conversationUnavailable("the application does not know its last answer")
        case 401: return refused
        // Said of regions and tools as well: only when it goes on is it the account.
        case 403:
            var error = GatewayError(
                .upstreamRefusedCredentials,
                "The application forbids this.",
                source: .upstream,
                retry: .elsewhere
            )
            error.failureClass = .failing
            return error
        case 404 where words.contains("model"): return UpstreamFailure.make(status: 404, details)
        // Not the application's own words: nobody there knows the address.
        case 404 where details.message == nil: return .unexpectedAnswer
        case 404: return .conversationUnavailable("the application does not know it, or no longer")
        case 429: return limited
        default: return UpstreamFailure.make(status: status, details)
        }
    }

    /// The account may not speak for now, with this model.
    static var limited: GatewayError {
        var error = GatewayError(
            .rateLimitExceeded,
            "The upstream's rate limit is reached.",
            source: .upstream,
            retry: .elsewhere
        )
        error.failureClass = .rateLimited
        return error
    }

    private static var refused: GatewayError {
        var error = GatewayError(
            .upstreamRefusedCredentials,
            "The upstream refused the gateway's credentials.",
            source: .upstream,
            retry: .elsewhere
        )
        error.failureClass = .credentialsRefused
        return error
    }

    private static var blocked: GatewayError {
        var error = GatewayError(
            .upstreamBlocked,
            "A bot check before the application keeps this gateway out.",
            source: .upstream,
            retry: .elsewhere
        )
        error.failureClass = .egressBlocked
        return error
    }
}
