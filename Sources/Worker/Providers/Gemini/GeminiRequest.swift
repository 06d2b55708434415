internal import Core
internal import JSON
internal import OpenAIAPI

/// Puts a chat request into Gemini's words.
enum GeminiRequest {
    private static let known: [StaticString] =
        [
            "temperature", "top_p", "seed", "n", "stop", "presence_penalty", "frequency_penalty", "max_tokens",
            "max_completion_tokens", "logprobs", "top_logprobs", "response_format", "reasoning_effort", "modalities",
            "audio", "tools", "tool_choice", "functions", "function_call", "parallel_tool_calls", "service_tier",
            "google", "extra_body",
        ] + GeminiExtras.names

    static func body(_ job: Job, _ model: GeminiModel) throws(GatewayError) -> [UInt8] {
        let chat = try ChatRequest(job.request)
        try Parameters.check(job, known: known, provider: "Gemini")
        if let tier = chat.root.present("service_tier"), !tier.equals("auto"), !tier.equals("default") {
            try job.refuse("service_tier", "Gemini has one tier of service.")
        }
        let extras = try GeminiExtras(job)
        var writer = JSONWriter()
        writer.beginObject()
        try GeminiConversation(chat: chat, job: job, model: model).write(to: &writer)
        try GeminiTools(chat: chat, model: model).write(to: &writer)
        if let settings = try extras.container("safety_settings", "safetySettings", isArray: true) {
            writer.key("safetySettings")
            writer.value(settings)
        }
        let configuration = try GeminiConfiguration.bytes(chat, job, model, extras)
        if configuration.count > 2 { writer.member("generationConfig", .bytes(configuration)) }
        if let cache = extras.value("cached_content", "cachedContent") {
            guard cache.isString else { throw .invalid("cached_content", "'cached_content' must be a string.") }
            writer.key("cachedContent")
            writer.value(cache)
        }
        writer.endObject()
        return writer.take()
    }
}
