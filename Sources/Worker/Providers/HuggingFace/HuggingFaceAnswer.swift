internal import Core
internal import JSON
internal import OpenAIAPI

/// Whole answers of engines, put right as their streams are.
struct HuggingFaceAnswer {
    let job: Job
    /// In seconds since 1970.
    let now: Int
    let callID: @Sendable () -> String

    func make(_ body: [UInt8]) throws(GatewayError) -> PlainAnswer {
        guard let document = try? JSONDocument(parsing: body) else {
            return try OpenAIWire.answer(body, to: job.request)
        }
        let root = document.root
        if root["object"]?.equals("error") == true { throw HuggingFaceFailure.make(event: root) }
        if let error = root.present("error"), root.present("choices") == nil {
            throw HuggingFaceFailure.make(event: error)
        }
        guard let choices = root["choices"], choices.isArray else {
            return try OpenAIWire.answer(body, to: job.request)
        }
        var list = JSONWriter()
        list.beginArray()
        for choice in choices.elements { list.raw(.bytes(try self.choice(choice))) }
        list.endArray()
        let isChat = job.request.operation == .chat
        let edits: [JSONEdit] = [
            .set("id", .string(ToolArguments.answerID(root["id"], callID))),
            .set("object", .literal(isChat ? #""chat.completion""# : #""text_completion""#)),
            .set("created", .integer(root["created"]?.int ?? now)), .set("model", .string(job.model)),
            .set("choices", .bytes(list.take())), .remove("__verbose"),
        ]
        return PlainAnswer(body: document.replacing(edits), usage: TokenUsage(root.present("usage")))
    }

    private func choice(_ choice: JSONValue) throws(GatewayError) -> [UInt8] {
        var edits: [JSONEdit] = []
        var hasCalls = false
        if let message = choice["message"], message.isObject {
            var changes: [JSONEdit] = []
            if let reasoning = message["reasoning"] {
                changes.append(.remove("reasoning"))
                if message.present("reasoning_content") == nil {
                    changes.append(.set("reasoning_content", .slice(reasoning.raw)))
                }
            }
            if let calls = message.present("tool_calls"), calls.count > 0 {
                hasCalls = true
                changes.append(.set("tool_calls", .bytes(self.calls(calls))))
            }
            if !changes.isEmpty { edits.append(.edit("message", changes)) }
        }
        switch FinishWord(choice.present("finish_reason")) {
        case .none: break
        case .aborted: throw .interrupted
        case .word(let word):
            edits.append(.set("finish_reason", .string(hasCalls && word == "stop" ? "tool_calls" : word)))
        }
        var buffer = ByteBuffer()
        choice.append(to: &buffer, editing: edits)
        return buffer.take()
    }

    private func calls(_ calls: JSONValue) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginArray()
        for call in calls.isArray ? Array(calls.elements) : [calls] {
            let id = call["id"]?.string ?? ""
            writer.beginObject()
            writer.member("id", id.isEmpty || Int(id) != nil ? callID() : id)
            writer.member("type", "function")
            writer.key("function")
            writer.beginObject()
            writer.member("name", call["function"]?["name"]?.string ?? "")
            writer.key("arguments")
            writer.raw(ToolArguments.text(call["function"]?["arguments"]))
            writer.endObject()
            writer.endObject()
        }
        writer.endArray()
        return writer.take()
    }
}
