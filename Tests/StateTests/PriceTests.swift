import Core
import Testing

@testable import State

@Suite("Prices")
struct PriceTests {
    @Test("Each kind of token has its price, to the billionth of a dollar")
    func kinds() throws {
        let prices = try Prices()
        let usage = TokenUsage(prompt: 1_000, completion: 100, cached: 600, cacheWrite: 100, reasoning: 40)
        // 300 at 3, 600 at 0.3, 100 at 3.75 and 100 at 15 dollars per million.
        #expect(
            prices.cost(provider: "claude", model: "claude-sonnet-4-6", usage: usage) == 900_000 + 180_000 + 375_000
                + 1_500_000
        )
        // 400 at 2.5 (writing to the cache costs nothing more), 600 at 1.25, 100 at 10.
        #expect(prices.cost(provider: "openai", model: "gpt-4o", usage: usage) == 1_000_000 + 750_000 + 1_000_000)
        // 0.003625 dollars per million is less than four billionths a token: 600 of them and no rounding between.
        let cached = TokenUsage(prompt: 600, cached: 600)
        #expect(prices.cost(provider: "deepseek", model: "deepseek-v4-pro", usage: cached) == 2_175)
        let embedding = TokenUsage(prompt: 1_000)
        #expect(prices.cost(provider: "openai", model: "text-embedding-3-small", usage: embedding) == 20_000)
        #expect(prices.cost(provider: "echo", model: "anything", usage: usage) == 0)
    }

    @Test("What nobody knows costs something unknown, and the longest name wins")
    func names() throws {
        let prices = try Prices()
        let usage = TokenUsage(prompt: 1_000_000)
        #expect(prices.cost(provider: "openai", model: "gpt-4o-2024-11-20", usage: usage) == 2_500_000_000)
        #expect(prices.cost(provider: "openai", model: "gpt-4o-2024-05-13", usage: usage) == 5_000_000_000)
        #expect(prices.cost(provider: "openai", model: "gpt-4o-mini-2024-07-18", usage: usage) == 150_000_000)
        #expect(prices.cost(provider: "openai", model: "gpt-4o-audio-preview", usage: usage) == nil)
        #expect(prices.cost(provider: "openai", model: "gpt-9", usage: usage) == nil)
        #expect(prices.cost(provider: "nobody", model: "gpt-4o", usage: usage) == nil)
        for name in ["claude", "anthropic"] {
            #expect(prices.cost(provider: name, model: "claude-opus-4-5-20251101", usage: usage) == 5_000_000_000)
        }
        for name in ["minmax", "minimax"] {
            #expect(prices.cost(provider: name, model: "MiniMax-M2.7", usage: usage) == 300_000_000)
        }
    }

    @Test("Long prompts have their own price where the vendor has one")
    func longPrompts() throws {
        let prices = try Prices()
        let short = TokenUsage(prompt: 200_000, completion: 1_000)
        let long = TokenUsage(prompt: 200_001, completion: 1_000)
        #expect(prices.cost(provider: "gemini", model: "gemini-2.5-pro", usage: short) == 250_000_000 + 10_000_000)
        #expect(prices.cost(provider: "gemini", model: "gemini-2.5-pro", usage: long) == 500_002_500 + 15_000_000)
        #expect(prices.cost(provider: "gemini", model: "gemini-2.5-flash", usage: long) == 60_000_300 + 2_500_000)
    }

    @Test("The operator's table replaces, adds and removes entries, and leaves the others")
    func overriding() throws {
        let mine = """
            {"note": "ours", "prices": {
              "openai/gpt-4o": {"input": 0.000001, "output": 1, "reasoning": 2},
              "anthropic/claude-opus-5": null,
              "huggingface/org/*": {"input": 1, "output": 2},
              "huggingface/org/big*": {"input": 4}
            }}
            """
        let prices = try Prices(overriding: Array(mine.utf8))
        let usage = TokenUsage(prompt: 1_000, completion: 10, reasoning: 4)
        #expect(prices.cost(provider: "openai", model: "gpt-4o", usage: usage) == 1 + 6_000 + 8_000)
        #expect(prices.cost(provider: "claude", model: "claude-opus-5", usage: usage) == nil)
        #expect(prices.cost(provider: "claude", model: "claude-opus-4-8", usage: usage) == 5_250_000)
        #expect(prices.cost(provider: "huggingface", model: "org/small", usage: usage) == 1_020_000)
        #expect(prices.cost(provider: "huggingface", model: "org/bigger", usage: usage) == 4_000_000)
    }

    @Test("Absurd usage neither crashes nor pays anybody")
    func absurd() throws {
        let prices = try Prices()
        func cost(_ usage: TokenUsage) -> Int? { prices.cost(provider: "openai", model: "gpt-4o", usage: usage) }
        #expect(cost(TokenUsage(prompt: -5, completion: -5, cached: -5, cacheWrite: -5, reasoning: -5)) == 0)
        #expect(
            cost(TokenUsage(prompt: 10, completion: 1, cached: 50, cacheWrite: 50, reasoning: 50)) == 12_500 + 10_000
        )
        let most = TokenUsage(prompt: .max, completion: .max, cached: .min, cacheWrite: .max, reasoning: .max)
        #expect((cost(most) ?? 0) > 1_000_000_000_000)
    }

    @Test(
        "A table that cannot be read is refused with what is wrong",
        arguments: [
            "", "{}", "[]", #"{"prices":[]}"#, #"{"prices":{"gpt":{"input":1}}}"#, #"{"prices":{"a/b":{"output":1}}}"#,
            #"{"prices":{"a/b":{"input":-1}}}"#, #"{"prices":{"a/b":{"input":1e3}}}"#,
            #"{"prices":{"a/b":{"input":"1"}}}"#,
            #"{"prices":{"a/b":{"input":1.1234567}}}"#, #"{"prices":{"a/b":{"input":1,"ouptut":1}}}"#,
            #"{"prices":{"a/b":{"input":1,"long":{"input":2}}}}"#, #"{"prices":{"a/b":7}}"#,
        ]
    )
    func refusals(_ json: String) {
        #expect(throws: PricesError.self) { try Prices(overriding: Array(json.utf8)) }
    }
}
