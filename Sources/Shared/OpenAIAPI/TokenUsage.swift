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
        prompt = Self.count(value["prompt_tokens"])
        completion = Self.count(value["completion_tokens"])
        // DeepSeek counts cache hits beside the details that OpenAI has.
        cached = Self.count(
            value["prompt_tokens_details"]?.present("cached_tokens") ?? value["prompt_cache_hit_tokens"]
        )
        reasoning = Self.count(value["completion_tokens_details"]?["reasoning_tokens"])
    }

    /// An upstream may claim any number; a trillion leaves room for sums of millions of such claims.
    private static func count(_ value: JSONValue?) -> Int { min(max(0, value?.int ?? 0), 1 << 40) }
}
