internal import Core
internal import JSON
internal import OpenAIAPI

/// What Google's errors mean: `{"error":{"code","message","status","details":[…]}}`, sometimes in an array of one.
enum GeminiFailure {
    static func make(_ answer: FailedAnswer) -> GatewayError {
        let document = answer.body.count <= 1 << 20 ? try? JSONDocument(parsing: answer.body) : nil
        guard let root = document?.root, let error = body(of: root) else { return UpstreamFailure.make(answer) }
        var failure = make(error, status: answer.status)
        // There is no such header, but a proxy may know better.
        if let seconds = UpstreamFailure.seconds(answer) { failure.retryAfter = seconds }
        failure.cause = "status \(answer.status)"
        return failure
    }

    /// The error in what came where an answer should be.
    static func body(of root: JSONValue) -> JSONValue? {
        guard let error = (root[0] ?? root).present("error"), error.isObject else { return nil }
        return error
    }

    /// An error inside a stream, or in an answer that claims success.
    static func make(event error: JSONValue) -> GatewayError {
        let status = error["code"]?.int ?? 0
        var failure = make(error, status: (400...599).contains(status) ? status : 500)
        failure.cause = "error event"
        return failure
    }

    private static func make(_ error: JSONValue, status: Int) -> GatewayError {
        var details = FailureDetails(error)
        // Its codes are statuses again.
        details.code = nil
        details.type = nil
        let message = error["message"]?.string ?? ""
        let facts = Facts(error)
        var failure: GatewayError
        switch (status, error["status"]?.string) {
        // A key that is unknown or has run out is called an invalid argument.
        case (400, _)
        where facts.blamesKey || message.contains("API key not valid") || message.contains("API key expired"),
            (403, _) where facts.blamesKey:
            failure = UpstreamFailure.make(status: 401, details)
        // The region or the bill: the operator's, and no mistake of the client.
        case (400, "FAILED_PRECONDITION"):
            failure = UpstreamFailure.make(status: 403, details)
        case (400, _) where message.contains("exceeds the maximum number of tokens"):
            details.code = "context_length_exceeded"
            failure = UpstreamFailure.make(status: 400, details)
        // What a day allows is spent: waiting a few seconds, as the answer still advises, helps nobody.
        case (429, _) where facts.isDaily:
            details.code = "insufficient_quota"
            failure = UpstreamFailure.make(status: 429, details)
            // The other models of the account have quotas of their own.
            if facts.isOfModel { failure.failureClass = .rateLimited }
        default:
            failure = UpstreamFailure.make(status: status, details)
            failure.retryAfter = facts.retryAfter
        }
        return failure
    }
}

/// What the details of an error say.
private struct Facts {
    var retryAfter: Int?
    var blamesKey = false
    var isDaily = false
    var isOfModel = false

    init(_ error: JSONValue) {
        for detail in Self.first(error["details"]) {
            if let delay = detail["retryDelay"]?.string { retryAfter = Self.seconds(delay) }
            if let reason = detail["reason"]?.string, reason.hasPrefix("API_KEY_") { blamesKey = true }
            for violation in Self.first(detail["violations"]) {
                guard let quota = violation["quotaId"]?.string, quota.contains("PerDay") else { continue }
                isDaily = true
                if quota.contains("PerModel") { isOfModel = true }
            }
        }
    }

    private static func first(_ list: JSONValue?) -> [JSONValue] {
        list.map { Array($0.elements.prefix(32)) } ?? []
    }

    /// `34.4s`, rounded up.
    private static func seconds(_ text: String) -> Int? {
        guard text.hasSuffix("s"), text.utf8.count <= 32, let seconds = Double(text.dropLast()) else { return nil }
        return seconds >= 0 && seconds < 1e7 ? Int(seconds.rounded(.up)) : nil
    }
}
