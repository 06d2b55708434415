package import Core
package import JSON

extension TokenUsage {
    /// Reads a `usage` object; nil when the value is none.
    package init?(_ value: JSONValue?) {
        guard let value, value.isObject else { return nil }
        self.init(
            prompt: Self.count(value["prompt_tokens"]),
            completion: Self.count(value["completion_tokens"]),
            // DeepSeek counts cache hits beside the details that OpenAI has, partners of Hugging Face's router by another name.
            cached: Self.count(
                value["prompt_tokens_details"]?.present("cached_tokens") ?? value["prompt_cache_hit_tokens"]
                    ?? value["cached_tokens"]
            ),
            reasoning: Self.count(value["completion_tokens_details"]?["reasoning_tokens"])
        )
    }

    /// An upstream may claim any number; a trillion leaves room for sums of millions of such claims.
    private static func count(_ value: JSONValue?) -> Int { min(max(0, value?.int ?? 0), 1 << 40) }
}

extension TokenUsage {
    /// Writes a `usage` object as OpenAI does.
    package func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("prompt_tokens", prompt)
        writer.member("completion_tokens", completion)
        writer.member("total_tokens", total)
        writer.key("prompt_tokens_details")
        writer.beginObject()
        writer.member("cached_tokens", cached)
        if cacheWrite > 0 { writer.member("cache_write_tokens", cacheWrite) }
        writer.endObject()
        writer.key("completion_tokens_details")
        writer.beginObject()
        writer.member("reasoning_tokens", reasoning)
        writer.endObject()
        writer.endObject()
    }
}
