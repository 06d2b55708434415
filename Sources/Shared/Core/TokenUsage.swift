/// What a request used, as the upstream reports it.
package struct TokenUsage: Sendable, Equatable {
    /// All tokens of the prompt, those from a cache and those written to one included.
    package var prompt: Int
    /// All tokens of the answer, reasoning included.
    package var completion: Int
    /// The part of `prompt` that was read from a cache.
    package var cached: Int
    /// The part of `prompt` that was written to a cache.
    package var cacheWrite: Int
    /// The part of `completion` that was reasoning.
    package var reasoning: Int

    package init(prompt: Int = 0, completion: Int = 0, cached: Int = 0, cacheWrite: Int = 0, reasoning: Int = 0) {
        self.prompt = prompt
        self.completion = completion
        self.cached = cached
        self.cacheWrite = cacheWrite
        self.reasoning = reasoning
    }

    package var total: Int { prompt + completion }
}
