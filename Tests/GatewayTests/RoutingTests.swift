import Core
import HTTPCodec
import OpenAIAPI
import Providers
import TestSupport
import Testing

@testable import Gateway

/// A provider that is only routed to.
private struct Stub: Provider {
    let name: String
    var aliases: [String] = []
    var keys: [String] = ["k"]
    var knownModels: [String] = []
    var family = ""

    func owns(_ model: String) -> Bool { !family.isEmpty && model.hasPrefix(family) }
    func translate(_ request: ModelRequest, model: String, key: String) throws(GatewayError) -> Call {
        .upstream(OutgoingRequest(url: ""))
    }
    func makeStreamTranslator(for request: ModelRequest) -> any StreamTranslator { Silent() }
    func translateAnswer(_ body: [UInt8], to request: ModelRequest) throws(GatewayError) -> PlainAnswer {
        throw GatewayError(.internalError, "")
    }
    func failure(_ answer: FailedAnswer) -> GatewayError { GatewayError(.internalError, "") }
    func modelsRequest(key: String) -> OutgoingRequest? { nil }

    private struct Silent: StreamTranslator {
        func receive(_ bytes: UnsafeRawBufferPointer, into output: inout StreamOutput) {}
        func finish(into output: inout StreamOutput) {}
    }
}

@Suite("Routing")
struct RoutingTests {
    private static let providers: [any Provider] = [
        Stub(name: "openai", keys: ["a", "b", "c"], family: "gpt-"),
        Stub(name: "claude", aliases: ["anthropic"], knownModels: ["claude-x"], family: "claude-"),
        Stub(name: "deepseek", keys: [], knownModels: ["deepseek-chat"], family: "deepseek-"),
        Stub(name: "echo", keys: [""], knownModels: ["echo"]),
    ]

    private func router(_ routes: String = "{}") throws -> ModelRouter {
        try ModelRouter(providers: Self.providers, routes: ModelRoutes(routes))
    }

    private func names(_ router: ModelRouter, _ model: String) -> [[String]] {
        router.candidates(for: model).map { $0.map(\.name) }
    }

    @Test(
        "Names are resolved in order: aliases, prefixes, owners",
        arguments: [
            ("openai/gpt-4o", [["openai/gpt-4o"]]), ("anthropic/claude-x", [["claude/claude-x"]]),
            ("openai/org/model", [["openai/org/model"]]), ("gpt-4o", [["openai/gpt-4o"]]),
            ("claude-9", [["claude/claude-9"]]), ("echo", [["echo/echo"]]), ("echo/anything", [["echo/anything"]]),
            ("deepseek/deepseek-chat", []), ("deepseek-chat", []), ("other/gpt-4o", []), ("nothing", []),
            ("openai/", []), ("/gpt-4o", []), ("OpenAI/gpt-4o", []), ("", []),
            ("gpt-mine", [["claude/claude-x"], ["openai/gpt-4o", "echo/e"]]),
        ] as [(String, [[String]])]
    )
    func resolves(_ model: String, _ expected: [[String]]) throws {
        let router = try router(#"{"gpt-mine":["anthropic/claude-x",["openai/gpt-4o",{"model":"echo/e","weight":3}]]}"#)
        #expect(names(router, model) == expected)
        #expect(router.aliasNames == ["gpt-mine"])
    }

    @Test(
        "Routes that cannot be meant stop the start, and say why",
        arguments: [
            ("[]", "must be a JSON object"), ("{", "not valid JSON"), (#"{"":["openai/a"]}"#, "at least one candidate"),
            (#"{"a":[]}"#, "at least one candidate"), (#"{"a":"openai/a"}"#, "at least one candidate"),
            (#"{"a":[[]]}"#, "empty rank"), (#"{"a":["gpt-4o"]}"#, "provider/model"), (#"{"a":[7]}"#, "provider/model"),
            (#"{"a":[{"weight":2}]}"#, "provider/model"), (#"{"a":[{"model":"openai/a","weight":0}]}"#, "weight"),
            (#"{"a":[{"model":"openai/a","weight":1.5}]}"#, "weight"),
            (#"{"a":[{"model":"openai/a","weight":1000001}]}"#, "weight"),
            (#"{"a":["nobody/a"]}"#, "names no known provider"), (#"{"a":["openai/"]}"#, "names no known provider"),
        ]
    )
    func refusesRoutes(_ routes: String, _ reason: String) {
        let problem = #expect(throws: ModelRoutes.Problem.self) { try router(routes) }
        #expect(problem?.message.hasPrefix("MODEL_ROUTES") == true)
        #expect(problem?.message.contains(reason) == true)
    }

    @Test("All accounts of a pool are tried, each once, from a random one on, within the budget")
    func pool() throws {
        let router = try router()
        var generator = SeededGenerator(seed: 5)
        var firsts: [String: Int] = [:]
        for turn in 0..<300 {
            let keys = router.attempts(for: "gpt-4o", limit: 4, turn: turn, random: &generator).map(\.key)
            #expect(Set(keys) == ["a", "b", "c"])
            #expect(keys.count == 3)
            firsts[keys[0], default: 0] += 1
        }
        #expect(firsts.count == 3)
        #expect(firsts.values.allSatisfy { $0 == 100 })
        #expect(router.attempts(for: "gpt-4o", limit: 2, turn: 0, random: &generator).count == 2)
        #expect(router.attempts(for: "nothing", limit: 4, turn: 0, random: &generator).isEmpty)
    }

    @Test("Ranks follow each other, equals share the load by weight")
    func weights() throws {
        let router = try router(
            #"{"m":[[{"model":"echo/a","weight":3},{"model":"claude/b","weight":1}],"echo/last"]}"#
        )
        var generator = SeededGenerator(seed: 9)
        var first = 0
        for _ in 0..<1000 {
            let attempts = router.attempts(for: "m", limit: 10, turn: 0, random: &generator).map(\.candidate.name)
            #expect(attempts.count == 3)
            #expect(Set(attempts[..<2]) == ["echo/a", "claude/b"])
            #expect(attempts[2] == "echo/last")
            if attempts[0] == "echo/a" { first += 1 }
        }
        #expect((700...800).contains(first), "three of four")
    }

    @Test("A candidate whose provider has no keys is passed over")
    func unconfiguredCandidate() throws {
        let router = try router(#"{"m":["deepseek/deepseek-chat","echo/e"]}"#)
        var generator = SeededGenerator(seed: 1)
        #expect(router.attempts(for: "m", limit: 4, turn: 0, random: &generator).map(\.candidate.name) == ["echo/e"])
    }

    @Test("Unknown names are answered with what may have been meant")
    func unknown() throws {
        let router = try router()
        let error = router.unknown("gpt-4p", known: ["openai/gpt-4o", "openai/gpt-4", "claude/claude-x"])
        #expect(error.status == 404)
        #expect(error.parameter == "model")
        #expect(error.message == "The model 'gpt-4p' does not exist. Did you mean 'openai/gpt-4', 'openai/gpt-4o'?")
        #expect(
            router.unknown("zzzzzzzzz", known: ["openai/gpt-4o"]).message == "The model 'zzzzzzzzz' does not exist."
        )
        let unconfigured = router.unknown("deepseek/deepseek-chat", known: ["deepseek/deepseek-chat"])
        #expect(unconfigured.message.hasSuffix("belongs to the provider 'deepseek', which is not configured."))
        #expect(router.unknown(String(repeating: "x", count: 500), known: []).message.count < 150)
    }

    @Test(
        "Near names are near, nearest first, three at most",
        arguments: [
            ("gpt-4p", ["openai/gpt-4", "openai/gpt-4o", "openai/gpt-5"]),
            ("GPT-4O", ["openai/gpt-4o", "openai/gpt-4"]),
            ("completely-different-name", []), ("", []),
        ] as [(String, [String])]
    )
    func near(_ name: String, _ expected: [String]) {
        let known = ["openai/gpt-5", "openai/gpt-4", "openai/gpt-4o", "claude/claude-sonnet"]
        let found = NearNames.nearest(to: name, among: known)
        #expect(Array(found.prefix(expected.count)) == expected)
        #expect(found.count <= 3)
        if expected.isEmpty { #expect(found.isEmpty) }
    }
}
