internal import Core
internal import JSON

/// Reads `usageMetadata`: running totals, any of which may be missing.
enum GeminiUsage {
    static func usage(_ value: JSONValue) -> TokenUsage? {
        guard value.isObject else { return nil }
        var usage = TokenUsage()
        for (key, count) in value.members where count.isNumber {
            let count = min(max(0, count.int ?? 0), 1 << 40)
            if key.equals("promptTokenCount") || key.equals("toolUsePromptTokenCount") {
                usage.prompt += count
            } else if key.equals("candidatesTokenCount") {
                usage.completion += count
            } else if key.equals("thoughtsTokenCount") {
                // Counted beside the answer, where OpenAI counts them in it.
                usage.completion += count
                usage.reasoning = count
            } else if key.equals("cachedContentTokenCount") {
                usage.cached = count
            }
        }
        return usage
    }
}
