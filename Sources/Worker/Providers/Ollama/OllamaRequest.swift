internal import Core
internal import JSON
internal import OpenAIAPI

/// Puts a chat request into Ollama's words.
enum OllamaRequest {
    private static let known: [StaticString] =
        [
            "n", "max_tokens", "max_completion_tokens", "logprobs", "top_logprobs", "response_format",
            "reasoning_effort", "tools", "tool_choice", "functions", "function_call", "parallel_tool_calls",
            "service_tier",
        ] + OllamaOptions.names + own

    /// Its own parameters at the top of a request.
    private static let own: [StaticString] = ["options", "keep_alive", "think", "format", "truncate", "shift"]

    static func body(_ chat: ChatRequest, _ job: Job) throws(GatewayError) -> [UInt8] {
        try Parameters.check(job, known: known, provider: "Ollama")
        if let tier = chat.root.present("service_tier"), !tier.equals("auto"), !tier.equals("default") {
            try job.refuse("service_tier", "Ollama has one tier of service.")
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("model", job.model)
        // It streams unless told otherwise.
        writer.member("stream", job.request.streams)
        try OllamaMessages(chat: chat, job: job).write(to: &writer)
        OllamaTools.write(chat, to: &writer)
        writeFormat(chat, to: &writer)
        try writeThinking(chat, job, to: &writer)
        for name in ["logprobs", "top_logprobs", "keep_alive", "truncate", "shift"] as [StaticString] {
            guard let value = chat.root.present(name) else { continue }
            writer.key(name)
            writer.value(value)
        }
        let options = try OllamaOptions.bytes(chat)
        if options.count > 2 { writer.member("options", .bytes(options)) }
        writer.endObject()
        return writer.take()
    }

    private static func writeFormat(_ chat: ChatRequest, to writer: inout JSONWriter) {
        if let format = chat.root.present("format") {
            writer.member("format", .slice(format.raw))
            return
        }
        switch chat.responseFormat {
        case .text: break
        case .jsonObject: writer.member("format", "json")
        case .jsonSchema(_, let schema, _): writer.member("format", .slice(schema.raw))
        }
    }

    private static func writeThinking(
        _ chat: ChatRequest,
        _ job: Job,
        to writer: inout JSONWriter
    ) throws(GatewayError) {
        if let think = chat.root.present("think") {
            writer.member("think", .slice(think.raw))
            return
        }
        guard let effort = chat.effort else { return }
        guard hasLevels(job.model) else {
            writer.member("think", effort != .none)
            return
        }
        switch effort {
        case .none: try job.refuse("reasoning_effort", "This model cannot be kept from reasoning.")
        case .minimal, .low: writer.member("think", "low")
        case .medium: writer.member("think", "medium")
        case .high: writer.member("think", "high")
        case .xhigh, .max: writer.member("think", "max")
        }
    }

    /// Only this family thinks in levels; to the others thinking is on or off, and their servers refuse a level.
    private static func hasLevels(_ model: String) -> Bool {
        (model.split(separator: "/").last ?? "").hasPrefix("gpt-oss")
    }
}
