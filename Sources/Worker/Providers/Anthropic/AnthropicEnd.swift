internal import Core
internal import JSON
internal import OpenAIAPI

/// Why an answer ended, in the vendor's words and in OpenAI's.
struct AnthropicEnd: Sendable {
    /// JSON as the vendor wrote it, to be shown beside OpenAI's word.
    private var reason: [UInt8]?
    private var sequence: [UInt8]?
    private var details: [UInt8]?
    private var meaning = FinishReason.stop
    /// Why the model would not answer.
    private(set) var refusal: String?

    /// `told` is the object with the `stop_reason`.
    mutating func take(_ told: JSONValue) {
        if let word = told.present("stop_reason"), word.isString {
            reason = Array(word.raw)
            meaning = Self.meaning(word)
        }
        if let text = told.present("stop_sequence"), text.isString { sequence = Array(text.raw) }
        if let given = told.present("stop_details"), given.isObject {
            details = Array(given.raw)
            refusal = given["explanation"]?.string ?? given["category"]?.string
        }
    }

    /// `calls` is how many calls the client sees: an answer that came as the arguments of a tool has ended as any other.
    func finishReason(calls: Int) -> FinishReason { meaning == .toolCalls && calls == 0 ? .stop : meaning }

    var isRefused: Bool { meaning == .contentFilter }

    func write(to writer: inout JSONWriter) {
        if let reason { writer.member("native_finish_reason", .bytes(reason)) }
        if let sequence { writer.member("stop_sequence", .bytes(sequence)) }
        if let details { writer.member("stop_details", .bytes(details)) }
    }

    private static func meaning(_ word: JSONValue) -> FinishReason {
        switch word.string {
        case "max_tokens", "model_context_window_exceeded": .length
        case "tool_use": .toolCalls
        case "refusal": .contentFilter
        // `end_turn`, `stop_sequence`, `pause_turn`, and whatever is to come.
        default: .stop
        }
    }
}
