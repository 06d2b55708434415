package import Core
package import JSON
internal import OpenAIAPI

/// Everything the gateway believes about unsuccessful answers of OpenAI-shaped upstreams, in one place.
///
/// The client learns what it can act on: its own mistakes with the vendor's words and the parameter at fault, limits
/// with the time to wait. What concerns the operator alone (a refused key, an empty balance) never looks like the
/// client's fault, and what a failing vendor says of itself (hosts, accounts, traces) is not repeated.
package enum UpstreamFailure {
    package static func make(_ answer: FailedAnswer) -> GatewayError {
        var error = make(status: answer.status, FailureDetails(answer.body))
        error.retryAfter = seconds(answer)
        error.cause = "status \(answer.status)"
        return error
    }

    /// For vendors whose errors have a shape of their own: they say which status and which words of these mean the same.
    static func make(status: Int, _ details: FailureDetails) -> GatewayError {
        var error: GatewayError
        switch status {
        case 400 where details.code == "context_length_exceeded":
            error = refused(.contextLengthExceeded, details, "The request is longer than the model's context.")
        case 400, 405, 411, 414, 415, 431:
            error = refused(.invalidRequest, details, "The upstream refused the request.")
        // A key that the upstream does not take is the operator's affair; another account may do.
        case 401, 403:
            error = upstream(.upstreamRefusedCredentials, "The upstream refused the gateway's credentials.")
        // DeepSeek says 402 when the balance is empty.
        case 402:
            error = upstream(.insufficientQuota, "The upstream account has no quota left.")
        case 404:
            error = refused(.modelNotFound, details, "The upstream does not know this model.")
            error.retry = .elsewhere
        case 408:
            error = upstream(.upstreamTimeout, "The upstream took too long.")
        case 409:
            error = refused(.conflict, details, "The upstream reports a conflict.")
        case 413:
            error = refused(.bodyTooLarge, details, "The upstream finds the request too large.")
        case 422:
            error = refused(.unprocessable, details, "The upstream cannot process the request.")
        // OpenAI uses one status for "too fast" and for "nothing left to spend"; waiting helps only the first.
        case 429 where details.code == "insufficient_quota" || details.type == "insufficient_quota":
            error = upstream(.insufficientQuota, "The upstream account has no quota left.")
        case 429:
            error = upstream(.rateLimitExceeded, "The upstream's rate limit is reached.")
            error.upstreamType = details.type
        case 503, 529:
            error = upstream(.upstreamOverloaded, "The upstream is overloaded.")
        case 504:
            error = upstream(.upstreamTimeout, "The upstream took too long.")
        default:
            error = upstream(.upstreamError, "The upstream failed.")
        }
        error.failureClass = failureClass(status, details, error)
        return error
    }

    /// What the answer says about the account. In doubt nothing: an account that is wrongly kept costs one more failed
    /// call, one that is wrongly taken out costs all of its service.
    private static func failureClass(_ status: Int, _ details: FailureDetails, _ error: GatewayError) -> FailureClass {
        switch status {
        // A page instead of a message comes from whatever stands before the vendor: a bot check, a proxy, a firewall. It
        // judges the address that asks, not the account.
        case 401 where details.isPage, 403 where details.isPage, 429 where details.isPage: .egressBlocked
        case 401: .credentialsRefused
        // OpenAI says 403 for regions and for models that a project may not use.
        case 403: .modelForbidden
        case 402: .quotaExhausted
        case 429: error.code == .insufficientQuota ? .quotaExhausted : .rateLimited
        // 529 is Anthropic's and MiniMax' word for an overload of all, not of this account; it may be tried elsewhere and
        // counts only when it goes on.
        case 408, 500...599: .failing
        default: .none
        }
    }

    /// An error event inside a stream, or an error in an answer that claims success.
    package static func make(event: JSONValue) -> GatewayError {
        let details = FailureDetails(event)
        var error: GatewayError
        switch details.code ?? details.type {
        case "rate_limit_exceeded", "rate_limit_error": error = make(status: 429, details)
        case "insufficient_quota": error = make(status: 402, details)
        case "overloaded_error", "overloaded": error = make(status: 503, details)
        case "context_length_exceeded", "invalid_request_error": error = make(status: 400, details)
        default:
            // Some servers put the status that they can no longer send here.
            if let status = details.code.flatMap({ Int($0) }), (400...599).contains(status) {
                error = make(status: status, details)
                error.upstreamCode = nil
            } else {
                error = upstream(.upstreamError, "The upstream reported an error.")
            }
        }
        error.cause = "error event"
        if error.source == .upstream, error.failureClass == .none { error.failureClass = .failing }
        return error
    }

    /// The client's own mistake, as the vendor sees it: the same everywhere, so nobody else is asked.
    private static func refused(
        _ code: GatewayError.Code,
        _ details: FailureDetails,
        _ fallback: String
    ) -> GatewayError {
        var error = GatewayError(code, details.message ?? fallback, source: .client, parameter: details.parameter)
        error.upstreamCode = details.code
        error.upstreamType = details.type
        return error
    }

    private static func upstream(_ code: GatewayError.Code, _ message: String) -> GatewayError {
        GatewayError(code, message, source: .upstream, retry: .elsewhere)
    }

    /// Reads `Retry-After`: seconds, or a date.
    static func seconds(_ answer: FailedAnswer) -> Int? {
        guard let text = answer.retryAfter else { return nil }
        if let seconds = Double(text) { return seconds >= 0 && seconds < 1e7 ? Int(seconds.rounded(.up)) : nil }
        guard let date = HTTPDate.seconds(text) else { return nil }
        let wait = date - answer.now()
        return wait < 10_000_000 ? max(0, wait) : nil
    }
}

/// The parts of a vendor's error body that may be shown: short, and with anything that looks like a secret taken out.
struct FailureDetails {
    var message: String?
    var type: String?
    var code: String?
    var parameter: String?
    /// The body is a web page.
    var isPage = false

    init(_ body: [UInt8]) {
        if body.count <= 1 << 20, let document = try? JSONDocument(parsing: body) {
            self.init(document.root)
        } else {
            self.init(nil)
            isPage = body.first { $0 > UInt8(ascii: " ") } == UInt8(ascii: "<")
        }
    }

    /// Vendors put the object under `error`; some put it at the top, some wrap it all in an array, some send only a text.
    init(_ root: JSONValue?) {
        guard let root = root?[0] ?? root else { return }
        let error = root.present("error") ?? root
        message = (error.string ?? error["message"]?.string ?? root["detail"]?.string).flatMap(Self.presentable)
        type = Self.token(error["type"])
        code = Self.token(error["code"])
        parameter = Self.token(error["param"])
    }

    static func presentable(_ text: String) -> String? {
        guard !text.isEmpty else { return nil }
        return Redaction.redact(String(text.prefix(1000)))
    }

    private static func token(_ value: JSONValue?) -> String? {
        guard let value else { return nil }
        if let number = value.int { return String(number) }
        guard let text = value.string, !text.isEmpty, text.utf8.count <= 128 else { return nil }
        return Redaction.redact(text)
    }
}
