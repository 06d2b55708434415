import Core
import Testing

@testable import Providers

@Suite("What Anthropic's models take")
struct AnthropicModelTests {
    @Test(
        "Names are read as families and versions",
        arguments: [
            ("claude-opus-4-7", AnthropicModel.Family.opus, 407), ("claude-sonnet-4-20250514", .sonnet, 400),
            ("claude-3-5-sonnet-20241022", .sonnet, 305), ("claude-3-haiku-20240307", .haiku, 300),
            ("claude-sonnet-5", .sonnet, 500), ("claude-haiku-4-5@20251001", .haiku, 405),
            ("claude-opus-4-20250514-v1:0", .opus, 400), ("claude-fable-5-1", .fable, 501), ("claude-2.1", nil, 200),
            ("claude-instant-1.2", nil, 200), ("claude-next", nil, 9999), ("claude-sonnet-latest", .sonnet, 9999),
            ("", nil, 9999), ("claude-sonnet-99999999999999999999", .sonnet, 9999),
        ]
    )
    func names(_ name: String, _ family: AnthropicModel.Family?, _ version: Int) {
        let model = AnthropicModel(name)
        #expect(model.family == family)
        #expect(model.version == version)
    }

    @Test("Sampling and budgets are refused from a version on, and by whatever is new")
    func strict() {
        for name in [
            "claude-opus-4-7", "claude-opus-5", "claude-sonnet-5", "claude-haiku-5-5", "claude-fable-5",
            "claude-mythos-5-1", "claude-unheard-of",
        ] {
            #expect(AnthropicModel(name).isStrict, "\(name)")
            #expect(AnthropicModel(name).thinksAdaptively, "\(name)")
            #expect(!AnthropicModel(name).thinksByBudget, "\(name)")
        }
        for name in [
            "claude-opus-4-6", "claude-sonnet-4-6", "claude-haiku-4-5", "claude-3-opus-20240229", "claude-2.1",
        ] {
            #expect(!AnthropicModel(name).isStrict, "\(name)")
        }
        #expect(AnthropicModel("claude-sonnet-4-6").thinksAdaptively)
        #expect(!AnthropicModel("claude-sonnet-4-5").thinksAdaptively)
        #expect(AnthropicModel("claude-3-7-sonnet-latest").thinksByBudget)
        #expect(!AnthropicModel("claude-3-5-sonnet-20241022").thinksByBudget)
    }

    @Test(
        "How they are kept from thinking",
        arguments: [
            ("claude-opus-4-8", AnthropicModel.Quieting.notNeeded), ("claude-sonnet-4-5", .notNeeded),
            ("claude-opus-5", .disabled), ("claude-opus-5-5", .impossible), ("claude-sonnet-5", .disabled),
            ("claude-sonnet-5-5", .betweenTools), ("claude-haiku-5-5", .disabled), ("claude-fable-5", .impossible),
            ("claude-mythos-5", .impossible), ("claude-new", .impossible),
        ]
    )
    func quieting(_ name: String, _ expected: AnthropicModel.Quieting) {
        #expect(AnthropicModel(name).quieting == expected)
    }

    @Test("Forced calls, begun answers, schemas and turns of the system")
    func abilities() {
        #expect(AnthropicModel("claude-opus-5").takesForcedTools)
        #expect(!AnthropicModel("claude-opus-5-5").takesForcedTools)
        #expect(AnthropicModel("claude-fable-5").takesForcedTools)
        #expect(!AnthropicModel("claude-fable-5-1").takesForcedTools)
        #expect(AnthropicModel("claude-2.1").takesForcedTools)
        #expect(AnthropicModel("claude-sonnet-4-5").takesPrefill)
        #expect(!AnthropicModel("claude-sonnet-4-6").takesPrefill)
        #expect(!AnthropicModel("claude-unknown").takesPrefill)
        for name in ["claude-sonnet-4-5", "claude-opus-4-1", "claude-haiku-4-5", "claude-fable-5", "claude-unknown"] {
            #expect(AnthropicModel(name).takesSchemas, "\(name)")
        }
        for name in ["claude-sonnet-4", "claude-opus-4-0", "claude-3-5-haiku-latest", "claude-2.0"] {
            #expect(!AnthropicModel(name).takesSchemas, "\(name)")
        }
        for name in ["claude-opus-4-8", "claude-opus-5", "claude-fable-5", "claude-mythos-5"] {
            #expect(AnthropicModel(name).takesSystemTurns, "\(name)")
        }
        for name in ["claude-opus-4-7", "claude-sonnet-5", "claude-unknown"] {
            #expect(!AnthropicModel(name).takesSystemTurns, "\(name)")
        }
    }

    @Test(
        "The most they answer",
        arguments: [
            ("claude-3-haiku-20240307", 4096), ("claude-3-5-sonnet-20241022", 8192), ("claude-sonnet-4-5", 64_000),
            ("claude-opus-4-1", 32_000), ("claude-opus-4-6", 128_000), ("claude-sonnet-5", 128_000),
            ("claude-x", 64_000),
        ]
    )
    func output(_ name: String, _ most: Int) {
        #expect(AnthropicModel(name).maxOutput == most)
    }

    @Test("Its models are listed with what it says of them")
    func listing() {
        let body =
            #"{"data":[{"id":"claude-a","type":"model","created_at":"2025-11-24T00:00:00Z","max_input_tokens":200000,"max_tokens":64000,"capabilities":{"image_input":{"supported":false},"thinking":true}},{"id":"claude-3-haiku-20240307"},{"id":""},{"x":1}],"has_more":false}"#
        let provider = AnthropicProvider(baseURL: "http://u", now: { 0 })
        #expect(
            provider.models(Array(body.utf8)) == [
                ListedModel(
                    id: "claude-a",
                    created: 1_763_942_400,
                    owner: "anthropic",
                    capabilities: ["chat", "tools", "reasoning"],
                    contextLength: 200_000,
                    maxOutput: 64_000
                ),
                ListedModel(
                    id: "claude-3-haiku-20240307",
                    owner: "anthropic",
                    capabilities: ["chat", "tools", "vision"]
                ),
            ]
        )
        for body in ["", "[]", #"{"data":{}}"#] { #expect(provider.models(Array(body.utf8)) == nil) }
    }

    @Test(
        "Times",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2024-02-29T12:30:01.123456Z", 1_709_209_801),
            ("2024-02-29T14:30:01+02:00", 1_709_209_801), ("2024-02-29t11:30:01-01:00", 1_709_209_801), ("", nil),
            ("2024-02-29", nil), ("2024-13-01T00:00:00Z", nil), ("2024-01-01T00:00:00", nil),
            ("2024-01-01T00:00:00Zx", nil), ("2024-01-01T24:00:00Z", nil), ("20é4-01-01T00:00:00Z", nil),
            ("2024-01-01T00:00:00+1:00", nil), ("0000-01-01T00:00:00Z", nil),
        ]
    )
    func times(_ text: String, _ expected: Int?) {
        #expect(RFC3339.seconds(text) == expected)
    }
}
