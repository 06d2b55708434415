package import JSON

/// What a request used, as the upstream reports it.
package struct TokenUsage: Sendable, Equatable {
    package var prompt = 0
    package var completion = 0
    package var cached = 0
    package var reasoning = 0

    package init(prompt: Int = 0, completion: Int = 0, cached: Int = 0, reasoning: Int = 0) {
        self.prompt = prompt
        self.completion = completion
        self.cached = cached
        self.reasoning = reasoning
    }

    package var total: Int { prompt + completion }

    /// Reads a `usage` object; nil when the value is none.
    package init?(_ value: JSONValue?) {
        guard let value, value.isObject else { return nil }
        prompt = max(0, value["prompt_tokens"]?.int ?? 0)
        completion = max(0, value["completion_tokens"]?.int ?? 0)
        // DeepSeek counts cache hits beside the details that OpenAI has.
        let hits = value["prompt_tokens_details"]?["cached_tokens"]?.int ?? value["prompt_cache_hit_tokens"]?.int
        cached = max(0, hits ?? 0)
        reasoning = max(0, value["completion_tokens_details"]?["reasoning_tokens"]?.int ?? 0)
    }
}
