internal import Core
internal import JSON
internal import OpenAIAPI

/// Writes the conversation with the roles and the members that the vendor knows.
struct MiniMaxMessages {
    let job: Job
    let model: MiniMaxModel

    /// `hint` is said to the model before all else.
    func write(_ chat: ChatRequest, hint: String?, to writer: inout JSONWriter) throws(GatewayError) {
        writer.key("messages")
        writer.beginArray()
        if let hint {
            writer.beginObject()
            writer.member("role", "system")
            writer.member("content", hint)
            writer.endObject()
        }
        for message in chat.messages { try write(message, to: &writer) }
        writer.endArray()
    }

    private func write(_ message: ChatMessage, to writer: inout JSONWriter) throws(GatewayError) {
        writer.beginObject()
        writer.key("role")
        switch message.role {
        case .system: writer.string("system")
        case .user: writer.string("user")
        case .assistant: writer.string("assistant")
        case .tool:
            writer.string("tool")
            if let id = message.toolCallID { writer.member("tool_call_id", id) }
        }
        if let name = message.name, message.role != .tool { writer.member("name", name) }
        try writeContent(message, to: &writer)
        if message.role == .assistant {
            if model.thinks { MiniMaxReasoning.write(message, job.materials, to: &writer) }
            try writeCalls(message.toolCalls, to: &writer)
        }
        writer.endObject()
    }

    /// Texts alone are one string, which is all that some roles may have.
    private func writeContent(_ message: ChatMessage, to writer: inout JSONWriter) throws(GatewayError) {
        var texts: [JSONValue] = []
        var parts: [JSONValue] = []
        var hasImages = false
        for part in message.parts {
            switch part.kind {
            case .text(let text), .refusal(let text):
                texts.append(text)
                if part.source.isObject { parts.append(part.source) }
            case .image where message.role == .user:
                hasImages = true
                parts.append(part.source)
            case .image: try job.refuse(part.path, "MiniMax takes images from users only.")
            case .other("thinking"), .other("redacted_thinking"), .other("reasoning"): continue
            case .audio: try job.refuse(part.path, "MiniMax's models take no audio.")
            case .file: try job.refuse(part.path, "MiniMax's models take no files.")
            case .other(let type):
                try job.refuse("\(part.path).type", "MiniMax has no content of type '\(type.prefix(64))'.")
            }
        }
        writer.key("content")
        if hasImages {
            writer.beginArray()
            for part in parts { writer.value(part) }
            writer.endArray()
        } else if texts.isEmpty, message.role == .assistant {
            writer.null()
        } else if texts.count == 1 {
            writer.value(texts[0])
        } else {
            writer.string(texts.reduce("") { $0 + ($1.string ?? "") })
        }
    }

    private func writeCalls(_ calls: [ToolCall], to writer: inout JSONWriter) throws(GatewayError) {
        guard !calls.isEmpty else { return }
        writer.key("tool_calls")
        writer.beginArray()
        for call in calls {
            guard let arguments = call.argumentsObject else {
                throw .invalid(call.path + ".function.arguments", "The arguments of a call must be a JSON object.")
            }
            writer.beginObject()
            writer.member("id", call.id)
            writer.member("type", "function")
            writer.key("function")
            writer.beginObject()
            writer.member("name", call.name)
            writer.key("arguments")
            writer.string(utf8: arguments[...])
            writer.endObject()
            writer.endObject()
        }
        writer.endArray()
    }
}
