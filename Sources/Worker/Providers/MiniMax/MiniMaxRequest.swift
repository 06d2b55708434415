internal import Core
internal import JSON
internal import OpenAIAPI

/// Writes the body that MiniMax understands. It answers what it does not know with an error or, worse, not at all, so
/// nothing is sent that it has no word for.
enum MiniMaxRequest {
    private static let known: [StaticString] = [
        "max_tokens", "max_completion_tokens", "temperature", "top_p", "tools", "tool_choice", "functions",
        "function_call", "parallel_tool_calls", "response_format", "reasoning_effort", "n", "seed", "thinking",
        "mask_sensitive_info", "reasoning_split", "service_tier",
    ]

    /// `isCompatible` says that the endpoint is the one that puts thoughts into the text unless told otherwise.
    static func body(_ job: Job, _ model: MiniMaxModel, isCompatible: Bool) throws(GatewayError) -> [UInt8] {
        try Parameters.check(job, known: known, provider: "MiniMax")
        let chat = try ChatRequest(job.request)
        if chat.choices != 1 { try job.refuse("n", "MiniMax gives one choice only.") }
        if let tier = chat.root.present("service_tier"), !tier.equals("auto"), !tier.equals("default") {
            try job.refuse("service_tier", "MiniMax has one tier of service.")
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("model", job.model)
        try MiniMaxMessages(job: job, model: model).write(chat, hint: hint(chat, model), to: &writer)
        if job.request.streams {
            writer.member("stream", true)
            writer.member("stream_options", .literal(#"{"include_usage":true}"#))
        }
        if let limit = chat.maxTokens {
            writer.member(model.hasOldLimit ? "max_tokens" : "max_completion_tokens", limit)
        }
        writeSampling(chat.root, model, to: &writer)
        if let seed = chat.root.present("seed") {
            if model.isModern {
                writer.member("seed", .slice(seed.raw))
            } else {
                try job.refuse("seed", "Only MiniMax-M3 takes a seed.")
            }
        }
        try MiniMaxTools.write(chat, job, model, to: &writer)
        if model.hasSchemas, case .jsonSchema = chat.responseFormat, let format = chat.root["response_format"] {
            writer.member("response_format", .slice(format.raw))
        }
        try writeThinking(chat, job, model, to: &writer)
        // On this path thoughts would else stand within the text.
        if isCompatible, model.thinks { writer.member("reasoning_split", true) }
        if let masks = chat.root.present("mask_sensitive_info") {
            writer.member("mask_sensitive_info", .slice(masks.raw))
        }
        writer.endObject()
        return writer.take()
    }

    /// What the model is told before all else.
    private static func hint(_ chat: ChatRequest, _ model: MiniMaxModel) -> String? {
        let words = MiniMaxTools.hint(chat, model) + [form(chat, model)].compactMap { $0 }
        return words.isEmpty ? nil : words.joined(separator: " ")
    }

    /// Most models have no formats: they are told in words.
    private static func form(_ chat: ChatRequest, _ model: MiniMaxModel) -> String? {
        switch chat.responseFormat {
        case .text: nil
        case .jsonObject: "Answer with one JSON object and nothing else."
        case .jsonSchema where model.hasSchemas: nil
        case .jsonSchema(_, let schema, _):
            "Answer with one JSON object and nothing else. It must be valid against this JSON schema: "
                + String(decoding: schema.raw, as: UTF8.self)
        }
    }

    /// Most models want more than nothing of either, and of temperature not more than one.
    private static func writeSampling(_ root: JSONValue, _ model: MiniMaxModel, to writer: inout JSONWriter) {
        if let temperature = root.present("temperature") {
            let value = temperature.double ?? 1
            let isTaken = model.isModern || value > 0 && value <= 1
            writer.member(
                "temperature",
                isTaken ? .slice(temperature.raw) : .literal(value > 1 ? "1" : "0.01")
            )
        }
        if let share = root.present("top_p") {
            writer.member("top_p", share.double == 0 ? .literal("0.01") : .slice(share.raw))
        }
    }

    private static func writeThinking(
        _ chat: ChatRequest,
        _ job: Job,
        _ model: MiniMaxModel,
        to writer: inout JSONWriter
    ) throws(GatewayError) {
        if let own = chat.root.present("thinking") {
            writer.member("thinking", .slice(own.raw))
            return
        }
        guard let effort = chat.effort else { return }
        switch (effort, model.thinks) {
        case (.none, false): break
        case (_, false): try job.refuse("reasoning_effort", "This model does not reason.")
        case (.none, true) where model.isModern: writer.member("thinking", .literal(#"{"type":"disabled"}"#))
        case (.none, true): try job.refuse("reasoning_effort", "This model cannot be kept from reasoning.")
        // The others always think, and have no measure for it.
        case (_, true): if model.isModern { writer.member("thinking", .literal(#"{"type":"adaptive"}"#)) }
        }
    }
}
