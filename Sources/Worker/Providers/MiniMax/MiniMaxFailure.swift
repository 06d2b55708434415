internal import Core
internal import JSON
internal import OpenAIAPI

/// What MiniMax' errors mean. Most come with status 200 and a number in `base_resp`; what stands before it answers with a
/// status and an object of its own, which may hold the number in its text.
enum MiniMaxFailure {
    static func make(_ answer: FailedAnswer) -> GatewayError {
        let root = answer.body.count <= 1 << 20 ? (try? JSONDocument(parsing: answer.body))?.root : nil
        guard let root, let made = made(root, status: answer.status) else { return UpstreamFailure.make(answer) }
        var error = made
        error.retryAfter = UpstreamFailure.seconds(answer) ?? error.retryAfter
        return error
    }

    /// The number of what went wrong. A warning has a nought as well, and text beside it.
    static func code(of root: JSONValue) -> Int? {
        guard let code = root["base_resp"]?["status_code"]?.int, code != 0 else { return nil }
        return code
    }

    /// The error in something that claims success; nil where it means it.
    static func made(_ root: JSONValue, status: Int = 500) -> GatewayError? {
        if let code = code(of: root) { return make(code, root["base_resp"]?["status_msg"]?.string ?? "") }
        guard let error = root.present("error") else { return nil }
        let message = error.string ?? error["message"]?.string ?? ""
        if let code = trailingCode(message) { return make(code, message) }
        let told = error["http_code"].flatMap { $0.int ?? $0.string.flatMap { Int($0) } } ?? status
        var failure = UpstreamFailure.make(status: (400...599).contains(told) ? told : 500, FailureDetails(root))
        failure.cause = "error object, status \(told)"
        return failure
    }

    private static func make(_ code: Int, _ message: String) -> GatewayError {
        var details = FailureDetails(nil)
        details.message = FailureDetails.presentable(message)
        var error: GatewayError
        switch code {
        case 1039 where message.contains("context"), 2013 where message.contains("context window"):
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

    /// `… (1004)`.
    private static func trailingCode(_ message: String) -> Int? {
        guard message.hasSuffix(")"), let start = message.lastIndex(of: "(") else { return nil }
        let code = Int(message[message.index(after: start)...].dropLast())
        return code.flatMap { (1000...9999).contains($0) ? $0 : nil }
    }
}
