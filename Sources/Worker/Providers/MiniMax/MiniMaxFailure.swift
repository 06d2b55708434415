internal import Core
internal import JSON
internal import OpenAIAPI

/// What MiniMax' errors mean. Most come with status 200 and a number in `base_resp`; what stands before it answers with a
/// status and an object of its own, which may hold the number in its text.
enum MiniMaxFailure {
    static func make(_ answer: FailedAnswer) -> GatewayError {
        let root = answer.body.count <= 1 << 20 ? (try? JSONDocument(parsing: answer.body))?.root : nil
        if let root, let error = made(root) {
            var error = error
            error.retryAfter = UpstreamFailure.seconds(answer) ?? error.retryAfter
            return error
        }
        return UpstreamFailure.make(answer)
    }

    /// The error in something that claims success; nil where it means it.
    static func made(_ root: JSONValue) -> GatewayError? {
        guard let base = root.present("base_resp"), let code = base["status_code"]?.int, code != 0 else { return nil }
        return make(code, base["status_msg"]?.string ?? "")
    }

    private static func make(_ code: Int, _ message: String) -> GatewayError {
        var details = FailureDetails(nil)
        details.message = FailureDetails.presentable(message)
        var error: GatewayError
        switch code {
        case 1039 where message.contains("context"):
            details.code = "context_length_exceeded"
            error = UpstreamFailure.make(status: 400, details)
        case 1002, 1039, 1041, 2045: error = UpstreamFailure.make(status: 429, details)
        case 1004, 2049: error = UpstreamFailure.make(status: 401, details)
        case 1008, 2056: error = UpstreamFailure.make(status: 402, details)
        case 1001: error = UpstreamFailure.make(status: 504, details)
        // What was said, or would have been, is not to be said.
        case 1026, 1027:
            details.code = "content_policy_violation"
            error = UpstreamFailure.make(status: 400, details)
        case 1042, 2013: error = UpstreamFailure.make(status: 400, details)
        case 2044, 2061: error = UpstreamFailure.make(status: 403, details)
        default: error = UpstreamFailure.make(status: 500, details)
        }
        // Clients may look for the vendor's own number where the gateway's code says no more.
        if error.source == .client, error.upstreamCode == nil { error.upstreamCode = "minimax_\(code)" }
        error.cause = "base_resp \(code)"
        return error
    }
}
