internal import Core
internal import JSON
internal import OpenAIAPI

/// Writes the conversation: texts of a message joined, its images beside them.
struct OllamaMessages {
    let chat: ChatRequest
    let job: Job

    func write(to writer: inout JSONWriter) throws(GatewayError) {
        writer.key("messages")
        writer.beginArray()
        if let hint = OllamaTools.hint(chat) {
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
        switch message.role {
        case .system: writer.member("role", "system")
        case .user: writer.member("role", "user")
        case .assistant: writer.member("role", "assistant")
        case .tool: try writeResult(message, to: &writer)
        }
        try writeContent(message, to: &writer)
        if message.role == .assistant {
            if let reasoning = message.reasoning, !reasoning.isEmptyString {
                writer.member("thinking", .slice(reasoning.raw))
            }
            try writeCalls(message.toolCalls, to: &writer)
        }
        writer.endObject()
    }

    /// Newer servers find the call by its id, older ones by its name or its place.
    private func writeResult(_ message: ChatMessage, to writer: inout JSONWriter) throws(GatewayError) {
        writer.member("role", "tool")
        guard let id = message.toolCallID else { return }
        if let name = chat.functionName(ofCall: id) ?? message.name { writer.member("tool_name", name) }
        writer.member("tool_call_id", id)
    }

    private func writeContent(_ message: ChatMessage, to writer: inout JSONWriter) throws(GatewayError) {
        var texts: [JSONValue] = []
        var images: [[UInt8]] = []
        for part in message.parts {
            switch part.kind {
            case .text(let text), .refusal(let text): texts.append(text)
            case .image(let url, _): images.append(try OllamaImages.base64(url, part, job))
            // Somebody else's thoughts mean nothing to this model.
            case .other("thinking"), .other("redacted_thinking"), .other("reasoning"): continue
            case .audio: try job.refuse(part.path, "Ollama's models take no audio.")
            case .file: try job.refuse(part.path, "Ollama's models take no files.")
            case .other(let type):
                try job.refuse("\(part.path).type", "Ollama has no content of type '\(type.prefix(64))'.")
            }
        }
        writer.key("content")
        if texts.count == 1 {
            writer.value(texts[0])
        } else {
            writer.string(texts.map { $0.string ?? "" }.joined(separator: "\n"))
        }
        guard !images.isEmpty else { return }
        writer.key("images")
        writer.beginArray()
        for image in images { writer.raw(.bytes(image)) }
        writer.endArray()
    }

    private func writeCalls(_ calls: [ToolCall], to writer: inout JSONWriter) throws(GatewayError) {
        guard !calls.isEmpty else { return }
        writer.key("tool_calls")
        writer.beginArray()
        for (index, call) in calls.enumerated() {
            guard let arguments = call.argumentsObject else {
                throw .invalid(call.path + ".function.arguments", "The arguments of a call must be a JSON object.")
            }
            writer.beginObject()
            writer.member("id", call.id)
            writer.key("function")
            writer.beginObject()
            writer.member("index", index)
            writer.member("name", call.name)
            writer.member("arguments", .bytes(arguments))
            writer.endObject()
            writer.endObject()
        }
        writer.endArray()
    }
}
