internal import Core
internal import JSON
internal import OpenAIAPI

/// Writes the body that MiniMax understands. It answers what it does not know with an error or, worse, not at all, so
/// nothing is sent that it has no word for.
enum MiniMaxRequest {
    private static let known: [StaticString] = [
        "max_tokens", "max_completion_tokens", "temperature", "top_p", "tools", "tool_choice", "functions",
        "function_call", "parallel_tool_calls", "response_format", "reasoning_effort", "n", "seed", "thinking",
        "mask_sensitive_info", "reasoning_split",
    ]

    static func body(_ job: Job, isCompatible: Bool) throws(GatewayError) -> [UInt8] {
        try Parameters.check(job, known: known, provider: "MiniMax")
        let chat = try ChatRequest(job.request)
        let model = MiniMaxModel(job.model)
        if chat.choices != 1 { try job.refuse("n", "MiniMax gives one choice only.") }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("model", job.model)
        try MiniMaxMessages.write(chat, job, hint: hint(chat, model), to: &writer)
        if job.request.streams {
            writer.member("stream", true)
            writer.key("stream_options")
            writer.beginObject()
            writer.member("include_usage", true)
            writer.endObject()
        }
        if let limit = chat.maxTokens { writer.member("max_completion_tokens", limit) }
        writeSampling(chat.root, model, to: &writer)
        try writeTools(chat, model, job, to: &writer)
        if model.hasSchemas, case .jsonSchema = chat.responseFormat, let format = chat.root["response_format"] {
            writer.key("response_format")
            writer.value(format)
        }
        if let seed = chat.root.present("seed") {
            if model.isThird {
                writer.key("seed")
                writer.value(seed)
            } else {
                try job.refuse("seed", "Only MiniMax-M3 takes a seed.")
            }
        }
        writeThinking(chat, model, isCompatible, to: &writer)
        if let masks = chat.root.present("mask_sensitive_info") {
            writer.key("mask_sensitive_info")
            writer.value(masks)
        }
        writer.endObject()
        return writer.take()
    }

    /// Most models have no formats: they are told in words.
    private static func hint(_ chat: ChatRequest, _ model: MiniMaxModel) -> String? {
        switch chat.responseFormat {
        case .text: nil
        case .jsonObject: "Answer with one JSON object and nothing else."
        case .jsonSchema where model.hasSchemas: nil
        case .jsonSchema(_, let schema, _):
            "Answer with one JSON object and nothing else. It must be valid against this JSON schema: "
                + String(decoding: schema.raw, as: UTF8.self)
        }
    }

    private static func writeSampling(_ root: JSONValue, _ model: MiniMaxModel, to writer: inout JSONWriter) {
        if let temperature = root.present("temperature") {
            writer.key("temperature")
            let value = temperature.double ?? 1
            // Zero is an error to the older ones, and so is more than one.
            if model.isThird || value > 0 && value <= 1 {
                writer.value(temperature)
            } else {
                writer.raw(value <= 0 ? .literal("0.01") : .literal("1"))
            }
        }
        if let share = root.present("top_p") {
            writer.key("top_p")
            if share.double == 0 { writer.raw(.literal("0.01")) } else { writer.value(share) }
        }
    }

    private static func writeTools(
        _ chat: ChatRequest,
        _ model: MiniMaxModel,
        _ job: Job,
        to writer: inout JSONWriter
    ) throws(GatewayError) {
        guard !chat.tools.isEmpty else { return }
        var offered = chat.tools
        var choice = "auto"
        switch chat.toolChoice {
        case nil, .auto: break
        case ToolChoice.none?: choice = "none"
        case .required:
            if !model.isThird { try job.refuse("tool_choice", "Only MiniMax-M3 can be made to call a function.") }
            choice = model.isThird ? "required" : "auto"
        case .function(let name):
            // It cannot be told which, so it is offered no other.
            offered = offered.filter { $0.name == name }
            choice = model.isThird ? "required" : "auto"
        case .allowed(let names, let isRequired):
            offered = offered.filter { names.contains($0.name) }
            choice = isRequired && model.isThird ? "required" : "auto"
        }
        guard !offered.isEmpty else {
            throw .invalid("tool_choice", "'tool_choice' names a function that is not among the tools.")
        }
        writer.key("tools")
        writer.beginArray()
        for tool in offered {
            writer.beginObject()
            writer.member("type", "function")
            writer.key("function")
            writer.beginObject()
            writer.member("name", tool.name)
            if let description = tool.description {
                writer.key("description")
                writer.value(description)
            }
            writer.key("parameters")
            if let parameters = tool.parameters {
                writer.value(parameters)
            } else {
                writer.raw(.literal(#"{"type":"object","properties":{}}"#))
            }
            writer.endObject()
            writer.endObject()
        }
        writer.endArray()
        writer.member("tool_choice", choice)
    }

    private static func writeThinking(
        _ chat: ChatRequest,
        _ model: MiniMaxModel,
        _ isCompatible: Bool,
        to writer: inout JSONWriter
    ) {
        if let own = chat.root.present("thinking") {
            writer.key("thinking")
            writer.value(own)
        } else if let effort = chat.effort, model.isThird {
            writer.member(
                "thinking",
                .literal(effort == .none ? #"{"type":"disabled"}"# : #"{"type":"adaptive"}"#)
            )
        }
        // On this path thoughts would else stand within the text.
        if isCompatible, model.thinks { writer.member("reasoning_split", true) }
    }
}
