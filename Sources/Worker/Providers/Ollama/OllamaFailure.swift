internal import Core
internal import JSON
internal import OpenAIAPI

/// What Ollama's errors mean: `{"error":"text"}` with a status, or without one on a line of a stream.
enum OllamaFailure {
    static func make(_ answer: FailedAnswer) -> GatewayError {
        var failure = make(FailureDetails(answer.body), status: answer.status)
        failure.retryAfter = UpstreamFailure.seconds(answer) ?? failure.retryAfter
        failure.cause = "status \(answer.status)"
        return failure
    }

    /// An error inside a stream, or in an answer that claims success.
    static func make(event root: JSONValue) -> GatewayError {
        let details = FailureDetails(root)
        let isBusy = details.message?.contains("server busy") == true
        var failure = make(details, status: isBusy ? 503 : 500)
        failure.cause = "error event"
        return failure
    }

    private static func make(_ details: FailureDetails, status: Int) -> GatewayError {
        var details = details
        let message = details.message ?? ""
        switch status {
        // Its own words for what a model lacks; another candidate may have it.
        case 400 where message.contains("does not support tools"):
            return .notHere("tools", "This model takes no tools.")
        case 400 where message.contains("does not support thinking") || message.contains("think value"):
            return .notHere("reasoning_effort", "This model does not reason, or not in this measure.")
        case 400 where message.contains("does not support") || message.contains("multimodal"):
            var failure = UpstreamFailure.make(status: 400, details)
            failure.retry = .elsewhere
            return failure
        case 400 where message.contains("context length") || message.contains("exceeds the available context"):
            details.code = "context_length_exceeded"
            return UpstreamFailure.make(status: 400, details)
        case 404:
            if let model = model(in: message) {
                details.message = "model '\(model)' not found, try pulling it first: ollama pull \(model)"
            }
            return UpstreamFailure.make(status: 404, details)
        case 503:
            var failure = UpstreamFailure.make(status: 503, details)
            failure.retryAfter = 1
            return failure
        default:
            return UpstreamFailure.make(status: status, details)
        }
    }

    /// The name between quotes in `model 'x' not found`.
    private static func model(in message: String) -> Substring? {
        let parts = message.split(omittingEmptySubsequences: false) { $0 == "'" || $0 == "\"" }
        guard parts.count >= 3, parts[0].hasPrefix("model"), !parts[1].isEmpty, parts[2].contains("not found") else {
            return nil
        }
        return parts[1]
    }
}
