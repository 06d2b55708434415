internal import Core
internal import JSON
internal import OpenAIAPI

/// Writes the messages as Gemini has them: instructions apart, and turns of a `user` and a `model`.
struct GeminiConversation {
    let chat: ChatRequest
    let job: Job
    let model: GeminiModel

    /// Writes `systemInstruction` and `contents` into an object that has been begun.
    func write(to writer: inout JSONWriter) throws(GatewayError) {
        let messages = chat.messages
        var first = messages.firstIndex { $0.role != .system } ?? 0
        if first > 0 {
            writer.key("systemInstruction")
            writer.beginObject()
            writer.key("parts")
            writer.beginArray()
            for message in messages[..<first] { try writeInstruction(message, marked: false, to: &writer) }
            writer.endArray()
            writer.endObject()
        }
        writer.key("contents")
        writer.beginArray()
        let results = GeminiToolResults(chat: chat, job: job, model: model)
        while first < messages.count {
            let message = messages[first]
            if message.role == .tool {
                let end = messages[first...].firstIndex { $0.role != .tool } ?? messages.count
                try results.write(first..<end, to: &writer)
                first = end
                continue
            }
            switch message.role {
            // Where there is nothing else the instructions are the question: the vendor wants at least one turn.
            case .system:
                try turn("user", to: &writer) { writer throws(GatewayError) in
                    try writeInstruction(message, marked: messages.contains { $0.role != .system }, to: &writer)
                }
            case .assistant: try GeminiModelTurn(job: job, model: model).write(message, to: &writer)
            default: try writeUser(message, to: &writer)
            }
            first += 1
        }
        writer.endArray()
    }

    private func turn(
        _ role: StaticString,
        to writer: inout JSONWriter,
        _ parts: (inout JSONWriter) throws(GatewayError) -> Void
    ) throws(GatewayError) {
        writer.beginObject()
        writer.key("role")
        writer.string("\(role)")
        writer.key("parts")
        writer.beginArray()
        try parts(&writer)
        writer.endArray()
        writer.endObject()
    }

    /// One part for each message. In the middle of a conversation there is no role for instructions, so a mark says it.
    private func writeInstruction(
        _ message: ChatMessage,
        marked: Bool,
        to writer: inout JSONWriter
    ) throws(GatewayError) {
        for part in message.parts {
            if case .text = part.kind { continue }
            try job.refuse(part.path, "Gemini takes instructions as text only.")
        }
        writer.beginObject()
        writer.key("text")
        if !marked, message.parts.count == 1, case .text(let text) = message.parts[0].kind {
            writer.value(text)
        } else {
            writer.string(marked ? "[System instruction]\n" + message.text : message.text)
        }
        writer.endObject()
    }

    private func writeUser(_ message: ChatMessage, to writer: inout JSONWriter) throws(GatewayError) {
        try turn("user", to: &writer) { writer throws(GatewayError) in
            var isEmpty = true
            for part in message.parts {
                if case .text(let text) = part.kind, text.isEmptyString { continue }
                if try GeminiParts.write(part, job, model, to: &writer) { isEmpty = false }
            }
            if isEmpty { GeminiParts.writeText(.literal(#""""#), to: &writer) }
        }
    }
}
