internal import Core
internal import JSON

/// What an answer used, gathered from wherever the vendor says it: the input when a stream begins, the output in running
/// totals, and sometimes the input again with another number. The last word on each counts.
struct AnthropicUsage: Sendable {
    private var input = 0
    private var output = 0
    private var cacheRead = 0
    private var cacheWrite = 0
    private var thinking = 0
    private(set) var isKnown = false

    mutating func take(_ usage: JSONValue?) {
        guard let usage, usage.isObject else { return }
        isKnown = true
        Self.take(usage["input_tokens"], &input)
        Self.take(usage["output_tokens"], &output)
        Self.take(usage["cache_read_input_tokens"], &cacheRead)
        Self.take(usage["cache_creation_input_tokens"], &cacheWrite)
        Self.take(usage["output_tokens_details"]?["thinking_tokens"], &thinking)
    }

    /// The vendor's input leaves out what came from a cache or went to one.
    var total: TokenUsage? {
        guard isKnown else { return nil }
        return TokenUsage(
            prompt: input + cacheRead + cacheWrite,
            completion: output,
            cached: cacheRead,
            cacheWrite: cacheWrite,
            reasoning: thinking
        )
    }

    /// A trillion leaves room for sums.
    private static func take(_ value: JSONValue?, _ count: inout Int) {
        if let number = value?.int { count = min(max(0, number), 1 << 40) }
    }
}
