internal import Core
internal import JSON
internal import OpenAIAPI

/// Messages as MiniMax reads them: two roles fewer, results of tools as plain texts, thoughts where it wants them back.
enum MiniMaxMessages {
    /// `hint` is said to the model before all else.
    static func write(
        _ chat: ChatRequest,
        _ job: Job,
        hint: String?,
        to writer: inout JSONWriter
    ) throws(GatewayError) {
        writer.key("messages")
        writer.beginArray()
        if let hint {
            writer.beginObject()
            writer.member("role", "system")
            writer.member("content", hint)
            writer.endObject()
        }
        for message in chat.messages { try write(message, job, to: &writer) }
        writer.endArray()
    }

    private static func write(_ message: ChatMessage, _ job: Job, to writer: inout JSONWriter) throws(GatewayError) {
        writer.beginObject()
        switch message.role {
        case .system: writer.member("role", "system")
        case .user: writer.member("role", "user")
        case .assistant: writer.member("role", "assistant")
        case .tool:
            writer.member("role", "tool")
            writer.member("tool_call_id", message.toolCallID ?? "")
        }
        if message.role != .tool, let name = message.name { writer.member("name", name) }
        try writeContent(message, job, to: &writer)
        if !message.toolCalls.isEmpty {
            writer.key("tool_calls")
            writer.beginArray()
            for call in message.toolCalls { write(call, to: &writer) }
            writer.endArray()
        }
        MiniMaxReasoning.write(message, job.materials, to: &writer)
        writer.endObject()
    }

    private static func writeContent(
        _ message: ChatMessage,
        _ job: Job,
        to writer: inout JSONWriter
    ) throws(GatewayError) {
        var hasPictures = false
        for part in message.parts {
            switch part.kind {
            case .text, .refusal: continue
            case .image where message.role == .user: hasPictures = true
            case .image, .audio, .file, .other:
                try job.refuse(part.path, "MiniMax takes texts, and images from users.")
            }
        }
        writer.key("content")
        guard hasPictures else {
            if message.parts.isEmpty, message.role == .assistant { writer.null() } else { writer.string(message.text) }
            return
        }
        writer.beginArray()
        for part in message.parts {
            switch part.kind {
            case .text, .image: writer.value(part.source)
            default: continue
            }
        }
        writer.endArray()
    }

    private static func write(_ call: ToolCall, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", call.id)
        writer.member("type", "function")
        writer.key("function")
        writer.beginObject()
        writer.member("name", call.name)
        // What is no JSON is an error to it.
        writer.member("arguments", String(decoding: call.argumentsObject ?? Array("{}".utf8), as: UTF8.self))
        writer.endObject()
        writer.endObject()
    }
}
