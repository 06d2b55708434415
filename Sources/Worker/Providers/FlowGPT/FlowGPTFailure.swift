internal import Core
internal import JSON
internal import OpenAIAPI

/// What FlowGPT's errors mean. Its messages stand under `data`, `message` or `error`, or are plain text.
enum FlowGPTFailure {
    static func make(_ answer: FailedAnswer) -> GatewayError {
        var details = FailureDetails(answer.body)
        if details.message == nil { details.message = message(answer.body) }
        var failure = make(status: answer.status, details)
        failure.retryAfter = UpstreamFailure.seconds(answer)
        failure.cause = "status \(answer.status)"
        return failure
    }

    private static func make(status: Int, _ details: FailureDetails) -> GatewayError {
        switch status {
        case 401 where !details.isPage, 403 where !details.isPage:
            var failure = UpstreamFailure.make(status: 401, details)
            failure.message = "FlowGPT refused the gateway's credentials."
            failure.failureClass = .credentialsRefused
            return failure
        case 401, 403,
            429 where details.isPage, 503 where details.isPage:
            return blocked
        case 404 where mentions("conversation", details), 409:
            // It was opened a moment ago.
            return broken("the conversation is gone")
        case 404:
            var failure = UpstreamFailure.make(status: 404, details)
            failure.message = "FlowGPT does not have this prompt, or no longer."
            failure.parameter = "model"
            return failure
        default: return UpstreamFailure.make(status: status, details)
        }
    }

    /// An error among the records of an answer.
    static func make(event record: JSONValue) -> GatewayError {
        var failure = UpstreamFailure.make(event: record)
        let text = (record["data"]?.string ?? record["message"]?.string ?? record["error"]?.string ?? "").lowercased()
        if failure.code == .upstreamError, text.contains("too many requests") || text.contains("rate limit") {
            failure = UpstreamFailure.make(status: 429, FailureDetails([]))
        }
        failure.cause = "error event"
        // Whatever it blames, the answer may come from another account.
        failure.retry = .elsewhere
        return failure
    }

    /// Whether a refused opening says that there is no such prompt, and not that there is no such call.
    static func isAboutPrompt(_ body: [UInt8]) -> Bool {
        var details = FailureDetails(body)
        if details.message == nil { details.message = message(body) }
        return mentions("prompt", details)
    }

    /// A line that is no record where the first one should be.
    static func noAnswer(_ line: [UInt8]) -> GatewayError {
        if line.first == UInt8(ascii: "<") { return blocked }
        return broken("the first line is no record")
    }

    static var empty: GatewayError {
        var failure = broken("no text")
        failure.message = "The upstream's answer is empty."
        return failure
    }

    static func broken(_ cause: String) -> GatewayError {
        var failure = UpstreamAnswer.unexpected
        failure.failureClass = .failing
        failure.cause = cause
        return failure
    }

    /// The site's firewall judges the address that asks; what it wants to see is the operator's to bring.
    private static var blocked: GatewayError {
        var failure = GatewayError(
            .upstreamBlocked,
            "FlowGPT's firewall keeps the gateway out; its operator may have to set FLOWGPT_EXTRA_HEADERS.",
            source: .upstream,
            retry: .elsewhere
        )
        failure.failureClass = .egressBlocked
        return failure
    }

    private static func mentions(_ word: String, _ details: FailureDetails) -> Bool {
        details.message?.lowercased().contains(word) == true
    }

    private static func message(_ body: [UInt8]) -> String? {
        guard body.count <= 1 << 16 else { return nil }
        guard let root = (try? JSONDocument(parsing: body))?.root else {
            return body.first == UInt8(ascii: "<")
                ? nil : FailureDetails.presentable(String(decoding: body, as: UTF8.self))
        }
        return (root["data"]?.string ?? root.string).flatMap(FailureDetails.presentable)
    }
}
