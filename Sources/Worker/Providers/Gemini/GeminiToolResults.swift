internal import Core
internal import JSON
internal import OpenAIAPI

/// Writes a run of tool messages as the one turn in which Gemini wants all results, in the order of their calls: models
/// without ids for calls know them by their order alone.
struct GeminiToolResults {
    let chat: ChatRequest
    let job: Job
    let model: GeminiModel

    func write(_ run: Range<Int>, to writer: inout JSONWriter) throws(GatewayError) {
        let calls = run.lowerBound > 0 ? chat.messages[run.lowerBound - 1].toolCalls : []
        var results: [(place: Int, message: ChatMessage, call: ToolCall?)] = []
        var answered: Set<Int> = []
        for message in chat.messages[run] {
            let place = calls.indices.first { calls[$0].id == message.toolCallID && !answered.contains($0) }
            if let place { answered.insert(place) }
            results.append((place ?? calls.count, message, place.map { calls[$0] }))
        }
        // The vendor counts, and its complaint names no call.
        if let missing = calls.indices.first(where: { !answered.contains($0) }) {
            throw .invalid(
                calls[missing].path,
                "Every tool call must be followed by a tool message with its result; '\(calls[missing].id.prefix(100))' has none."
            )
        }
        writer.beginObject()
        writer.member("role", "user")
        writer.key("parts")
        writer.beginArray()
        for result in results.sorted(by: { $0.place < $1.place }) {
            try write(result.message, of: result.call, to: &writer)
        }
        writer.endArray()
        writer.endObject()
    }

    private func write(_ message: ChatMessage, of call: ToolCall?, to writer: inout JSONWriter) throws(GatewayError) {
        let id = message.toolCallID ?? ""
        guard let name = call?.name ?? chat.functionName(ofCall: id) ?? message.name else {
            throw .invalid(
                message.path + ".tool_call_id",
                "No message before this one calls a tool with the id '\(id.prefix(100))'."
            )
        }
        writer.beginObject()
        writer.key("functionResponse")
        writer.beginObject()
        if let call, GeminiKept(call, in: job, model).hasVendorID { writer.member("id", id) }
        writer.member("name", name)
        writer.key("response")
        writeResponse(message, to: &writer)
        try writeMedia(message, to: &writer)
        writer.endObject()
        writer.endObject()
    }

    /// An object as it is, anything else wrapped in one.
    private func writeResponse(_ message: ChatMessage, to writer: inout JSONWriter) {
        let text = message.text
        let isError = message.source["is_error"]?.bool == true
        if !isError, let document = try? JSONDocument(parsing: Array(text.utf8)), document.root.isObject {
            writer.value(document.root)
            return
        }
        writer.beginObject()
        writer.key(isError ? "error" : "result" as StaticString)
        writer.string(text)
        writer.endObject()
    }

    private func writeMedia(_ message: ChatMessage, to writer: inout JSONWriter) throws(GatewayError) {
        var media = message.parts.filter { part in
            if case .text = part.kind { return false }
            return true
        }
        if let first = media.first, !model.takesMediaInResults {
            try job.refuse(first.path, "The results of this model's tools are text only.")
            media = []
        }
        guard !media.isEmpty else { return }
        writer.key("parts")
        writer.beginArray()
        for part in media { _ = try GeminiParts.write(part, job, model, to: &writer) }
        writer.endArray()
    }
}
