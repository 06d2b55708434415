internal import Core
internal import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// What must be put differently for an engine to understand it as OpenAI would.
enum HuggingFaceRequest {
    /// What transformers' server takes; one field more, and it refuses.
    private static let plainFields: [StaticString] = [
        "model", "messages", "stream", "stream_options", "temperature", "top_p", "max_tokens", "stop", "seed",
        "frequency_penalty", "presence_penalty", "logit_bias", "tools", "tool_choice", "n", "prompt", "user",
    ]

    /// What asks nothing of the engine.
    private static let idleFields: [StaticString] = [
        "metadata", "store", "service_tier", "parallel_tool_calls", "safety_identifier", "prompt_cache_key",
        "prompt_cache_options", "prompt_cache_retention",
    ]
    /// What it lacks and can be left out.
    private static let droppedFields: [StaticString] = [
        "response_format", "reasoning_effort", "logprobs", "top_logprobs", "modalities", "prediction", "verbosity",
        "audio", "web_search_options", "functions", "function_call", "suffix", "echo", "best_of", "top_k", "min_p",
    ]

    static func headers(key: String, streams: Bool) -> [HTTPHeader] {
        OpenAIWire.headers(key: key, streams: streams).filter { !key.isEmpty || $0.name != "Authorization" }
    }

    static func edits(_ job: Job, _ kind: EngineKind) throws(GatewayError) -> [JSONEdit] {
        let root = job.request.document.root
        guard job.request.operation != .embedding else { return [] }
        var edits: [JSONEdit] = []
        if kind.givesOneChoice, let count = root.present("n"), count.int != 1 {
            try job.refuse("n", "This engine gives one choice only.")
            edits.append(.remove("n"))
        }
        if kind.wantsMaxTokens, let limit = root.present("max_completion_tokens") {
            edits.append(.set("max_tokens", .slice(limit.raw)))
            edits.append(.remove("max_completion_tokens"))
        }
        if let messages = root["messages"], let rewritten = Self.messages(messages) {
            edits.append(.set("messages", .bytes(rewritten)))
        }
        if kind.takesBareSchema, let schema = root["response_format"]?["json_schema"]?["schema"] {
            var format = JSONWriter()
            format.beginObject()
            format.member("type", "json_object")
            format.key("schema")
            format.value(schema)
            format.endObject()
            edits.append(.set("response_format", .bytes(format.take())))
        }
        if kind.thinksByTemplate, root["reasoning_effort"]?.equals("none") == true {
            edits.append(.edit("chat_template_kwargs", [.set("enable_thinking", .false)]))
            edits.append(.remove("reasoning_effort"))
        }
        return kind.refusesUnknown ? edits + (try strictEdits(job)) : edits
    }

    /// For a server that refuses every field it does not know.
    private static func strictEdits(_ job: Job) throws(GatewayError) -> [JSONEdit] {
        let root = job.request.document.root
        for (key, value) in root.members where !value.isNull {
            let known = plainFields + idleFields + ["max_completion_tokens"]
            if known.contains(where: { key.equals($0) }) { continue }
            if key.equals("response_format"), value["type"]?.equals("text") == true { continue }
            let name = String((key.string ?? "").prefix(100))
            let reason = "This engine has nothing that corresponds to '\(name)'."
            guard droppedFields.contains(where: { key.equals($0) }) else { throw .notHere(name, reason) }
            try job.refuse(name, reason)
        }
        // By field and not by member: a hostile body may repeat one without end.
        return (idleFields + droppedFields).filter { root[$0] != nil }.map { .remove($0) }
    }

    /// The messages with the one role changed that templates do not know, or nil when they can stay.
    private static func messages(_ messages: JSONValue) -> [UInt8]? {
        guard messages.elements.contains(where: { $0["role"]?.equals("developer") == true }) else { return nil }
        var list = JSONWriter()
        list.beginArray()
        for message in messages.elements {
            guard message["role"]?.equals("developer") == true else {
                list.value(message)
                continue
            }
            var rewritten = ByteBuffer()
            message.append(to: &rewritten, editing: [.set("role", .literal("\"system\""))])
            list.raw(.bytes(rewritten.take()))
        }
        list.endArray()
        return list.take()
    }
}
