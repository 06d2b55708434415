package import Core
package import JSON

/// A whole chat answer on its way from another dialect to OpenAI's: providers fill it, `bytes` writes it.
package struct ChatAnswer {
    package struct Call {
        package var id: String
        package var name: String
        /// A JSON object's text.
        package var arguments: String
        /// Writes further members of the call.
        package var extra: (inout JSONWriter) -> Void

        package init(
            id: String,
            name: String,
            arguments: String,
            extra: @escaping (inout JSONWriter) -> Void = { _ in }
        ) {
            self.id = id
            self.name = name
            self.arguments = arguments
            self.extra = extra
        }
    }

    package struct Choice {
        /// Nothing where the model said nothing.
        package var text: String?
        package var reasoning = ""
        package var refusal: String?
        package var calls: [Call] = []
        package var finish = FinishReason.stop
        package var logprobs = JSONFragment.null
        /// Writes further members of the message: what OpenAI has no word for keeps the vendor's.
        package var messageExtra: (inout JSONWriter) -> Void = { _ in }
        /// Writes further members of the choice.
        package var extra: (inout JSONWriter) -> Void = { _ in }

        package init() {}
    }

    package var id: String
    package var model: String
    /// In seconds since 1970.
    package var created: Int
    package var choices: [Choice] = []
    package var usage: TokenUsage?
    /// The client asked with `functions`, and wants its answer in these words.
    package var usesFunctions = false
    /// Writes further members of the answer.
    package var extra: (inout JSONWriter) -> Void = { _ in }

    package init(id: String, model: String, created: Int) {
        self.id = id
        self.model = model
        self.created = created
    }

    package func bytes() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("id", id)
        writer.member("object", "chat.completion")
        writer.member("created", created)
        writer.member("model", model)
        writer.key("choices")
        writer.beginArray()
        for (index, choice) in choices.enumerated() { write(choice, index, &writer) }
        writer.endArray()
        writer.key("usage")
        if let usage { usage.write(to: &writer) } else { writer.null() }
        extra(&writer)
        writer.endObject()
        return writer.take()
    }

    private func write(_ choice: Choice, _ index: Int, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("index", index)
        writer.key("message")
        writer.beginObject()
        writer.member("role", "assistant")
        writer.key("content")
        if let text = choice.text { writer.string(text) } else { writer.null() }
        writer.key("refusal")
        if let refusal = choice.refusal { writer.string(refusal) } else { writer.null() }
        if !choice.reasoning.isEmpty { writer.member("reasoning_content", choice.reasoning) }
        write(choice.calls, &writer)
        choice.messageExtra(&writer)
        writer.endObject()
        writer.member("logprobs", choice.logprobs)
        let finish = choice.finish == .toolCalls && usesFunctions ? FinishReason.functionCall : choice.finish
        writer.member("finish_reason", finish.rawValue)
        choice.extra(&writer)
        writer.endObject()
    }

    private func write(_ calls: [Call], _ writer: inout JSONWriter) {
        guard let first = calls.first else { return }
        if usesFunctions {
            writer.key("function_call")
            write(first, &writer)
            return
        }
        writer.key("tool_calls")
        writer.beginArray()
        for call in calls {
            writer.beginObject()
            writer.member("id", call.id)
            writer.member("type", "function")
            writer.key("function")
            write(call, &writer)
            call.extra(&writer)
            writer.endObject()
        }
        writer.endArray()
    }

    private func write(_ call: Call, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("name", call.name)
        writer.member("arguments", call.arguments)
        writer.endObject()
    }
}
