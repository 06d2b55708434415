internal import JSON
internal import OpenAIAPI

/// Why an answer ended, in Anthropic's words: the vendor's own where it was Anthropic that answered, else what chat's reason
/// comes to.
struct MessagesEnd: Sendable {
    private static let words: [StaticString] = [
        "end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded",
    ]

    private var reason = "end_turn"
    private var sequence = JSONFragment.null
    private var details: [UInt8]?

    /// Takes what a choice says of its end, if it says anything.
    mutating func take(_ choice: JSONValue) {
        guard let finish = choice.present("finish_reason")?.string, !finish.isEmpty else { return }
        let native = choice.present("native_finish_reason")
        if let native, Self.words.contains(where: { native.equals($0) }) {
            reason = native.string ?? reason
        } else {
            reason = Self.meaning(finish)
        }
        if let text = choice.present("stop_sequence"), text.isString { sequence = .bytes(Array(text.raw)) }
        if let given = choice.present("stop_details"), given.isObject { details = Array(given.raw) }
    }

    func write(to writer: inout JSONWriter) {
        writer.member("stop_reason", reason)
        writer.member("stop_sequence", sequence)
        if let details { writer.member("stop_details", .bytes(details)) }
    }

    private static func meaning(_ finish: String) -> String {
        switch finish {
        case "length": "max_tokens"
        case "tool_calls", "function_call": "tool_use"
        case "content_filter": "refusal"
        default: "end_turn"
        }
    }
}
