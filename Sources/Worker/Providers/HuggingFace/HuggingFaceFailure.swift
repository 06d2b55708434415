internal import Core
internal import JSON
internal import OpenAIAPI

/// What engines' unsuccessful answers mean beyond what statuses say everywhere.
enum HuggingFaceFailure {
    static func make(_ answer: FailedAnswer) -> GatewayError {
        var answer = answer
        let root = answer.body.count <= 1 << 20 ? (try? JSONDocument(parsing: answer.body))?.root : nil
        let wait = root?.present("estimated_time")?.double
        // TGI's and TEI's word for "the model failed", which is no fault of the client.
        if answer.status == 424 { answer.status = 502 }
        // llama-server of old answers so to what it cannot do.
        if answer.status == 500, text(root).contains("Cannot use tools with stream") {
            return .notHere("tools", "This engine cannot use tools in a stream.")
        }
        var error = UpstreamFailure.make(answer)
        // Numbers repeat the status; names of engines' own types mean nothing to clients.
        if let code = error.upstreamCode, Int(code) != nil { error.upstreamCode = nil }
        error.upstreamType = nil
        if error.retryAfter == nil, let wait, wait >= 0, wait < 1e6 { error.retryAfter = Int(wait.rounded(.up)) }
        if answer.status == 503, error.retryAfter == nil { error.retryAfter = 5 }
        return error
    }

    private static func text(_ root: JSONValue?) -> String {
        let error = root?["error"]
        return error?["message"]?.string ?? error?.string ?? ""
    }

    /// An error in a stream, or in an answer that claims success.
    static func make(event: JSONValue) -> GatewayError {
        var error = UpstreamFailure.make(event: event)
        if let code = error.upstreamCode, Int(code) != nil { error.upstreamCode = nil }
        error.upstreamType = nil
        return error
    }
}
