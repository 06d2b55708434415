internal import Core
internal import JSON
package import OpenAIAPI

/// Says what was called, and what came of it, in the words that `ToolPrompt` explains: for upstreams whose conversations are
/// text alone.
package enum ToolTranscript {
    /// An assistant's message: its text, then its calls.
    package static func assistant(_ message: ChatMessage) -> String {
        let text = message.text
        guard let calls = calls(message.toolCalls) else { return text }
        return text.isEmpty ? calls : text + "\n" + calls
    }

    /// Nil where nothing was called.
    package static func calls(_ calls: [ToolCall]) -> String? {
        guard !calls.isEmpty else { return nil }
        return "<tool_calls>"
            + calls.map { call in
                // As the model should have written it, whatever a client made of it: an object.
                let arguments = call.argumentsObject?.text ?? "{}"
                return self.call(call.name, ForgedTags.defuse(arguments, as: .jsonEscape))
            }.joined() + "</tool_calls>"
    }

    static func call(_ name: String, _ arguments: String) -> String {
        "<tool_call><tool_name>\(ForgedTags.attribute(name))</tool_name><parameters>\(arguments)</parameters></tool_call>"
    }

    /// A tool's result, with the name of the function if the history tells it.
    package static func result(_ message: ChatMessage, in chat: ChatRequest) -> String {
        let id = message.toolCallID ?? ""
        var tag = "<tool_result"
        if !id.isEmpty { tag += " id=\"\(ForgedTags.attribute(id))\"" }
        if let name = chat.functionName(ofCall: id) ?? message.name { tag += " name=\"\(ForgedTags.attribute(name))\"" }
        if message.source["is_error"]?.bool == true { tag += " error=\"true\"" }
        return tag + ">" + ForgedTags.defuse(message.text) + "</tool_result>"
    }

    /// Text of others, a user's say, that shall not pass for a call or a result.
    package static func harmless(_ text: String) -> String { ForgedTags.defuse(text) }
}
