import Core
import EventLoop
import HTTPCodec
import OpenAIAPI
import Providers
import State
import TestSupport
import Testing

@testable import Gateway

/// A provider that is only routed to.
private struct Stub: Provider {
    let name: String
    var aliases: [String] = []
    var needsAccount = true
    var knownModels: [String] = []
    var family = ""

    func owns(_ model: String) -> Bool { !family.isEmpty && model.hasPrefix(family) }
    func translate(_ job: Job) throws(GatewayError) -> Call {
        .upstream(OutgoingRequest(url: ""))
    }
    func makeStreamTranslator(for job: Job) -> any StreamTranslator { Silent() }
    func translateAnswer(_ body: [UInt8], to job: Job) throws(GatewayError) -> PlainAnswer {
        throw GatewayError(.internalError, "")
    }
    func failure(_ answer: FailedAnswer) -> GatewayError { GatewayError(.internalError, "") }
    func modelsRequest(key: String) -> OutgoingRequest? { nil }

    private struct Silent: StreamTranslator {
        func receive(_ bytes: UnsafeRawBufferPointer, into output: inout StreamOutput) {}
        func finish(into output: inout StreamOutput) {}
    }
}

@Suite("Routing", .onLoop)
struct RoutingTests {
    private static let providers: [any Provider] = [
        Stub(name: "openai", family: "gpt-"),
        Stub(name: "claude", aliases: ["anthropic"], knownModels: ["claude-x"], family: "claude-"),
        Stub(name: "deepseek", knownModels: ["deepseek-chat"], family: "deepseek-"),
        Stub(name: "echo", needsAccount: false, knownModels: ["echo"]),
    ]

    @LoopActor private func router(_ routes: String = "{}") throws -> ModelRouter {
        var pools: [String: AccountPool] = [:]
        for (name, keys) in [("openai", ["a", "b", "c"]), ("claude", ["k"]), ("deepseek", [])] {
            pools[name] = AccountPool(name: name, environment: keys, redis: nil, vault: nil, log: .silent)
        }
        return try ModelRouter(providers: Self.providers, pools: pools, routes: ModelRoutes(routes))
    }

    /// The calls that are made when each one fails in a way that is worth another try.
    @LoopActor private func calls(
        _ router: ModelRouter,
        _ model: String,
        limit: Int,
        _ generator: inout SeededGenerator
    ) -> [(name: String, credential: String)] {
        guard let itinerary = router.itinerary(for: model, limit: limit, random: &generator) else { return [] }
        var calls: [(name: String, credential: String)] = []
        while case .attempt(let attempt) = itinerary.next() {
            calls.append((attempt.candidate.name, attempt.credential))
            attempt.abandoned()
        }
        return calls
    }

    @LoopActor private func names(_ router: ModelRouter, _ model: String) -> [[String]] {
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
    @LoopActor func resolves(_ model: String, _ expected: [[String]]) throws {
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
    @LoopActor func refusesRoutes(_ routes: String, _ reason: String) {
        let problem = #expect(throws: ModelRoutes.Problem.self) { try router(routes) }
        #expect(problem?.message.hasPrefix("MODEL_ROUTES") == true)
        #expect(problem?.message.contains(reason) == true)
    }

    @Test("All accounts of a pool are tried, each once, in turn, within the budget")
    @LoopActor func pool() throws {
        let router = try router()
        var generator = SeededGenerator(seed: 5)
        var firsts: [String: Int] = [:]
        for _ in 0..<300 {
            let keys = calls(router, "gpt-4o", limit: 4, &generator).map(\.credential)
            #expect(Set(keys) == ["a", "b", "c"])
            #expect(keys.count == 3)
        }
        for _ in 0..<300 {
            let keys = calls(router, "gpt-4o", limit: 1, &generator).map(\.credential)
            #expect(keys.count == 1)
            firsts[keys[0], default: 0] += 1
        }
        #expect(firsts.count == 3)
        #expect(firsts.values.allSatisfy { $0 == 100 })
        #expect(calls(router, "gpt-4o", limit: 2, &generator).count == 2)
        #expect(router.itinerary(for: "nothing", limit: 4, random: &generator) == nil)
    }

    @Test("A later rank keeps one call for itself, and gets one even when the budget is spent")
    @LoopActor func laterRanks() throws {
        let router = try router(#"{"m":["openai/gpt-4o","claude/x","echo/e"]}"#)
        var generator = SeededGenerator(seed: 3)
        #expect(
            calls(router, "m", limit: 4, &generator).map(\.name)
                == ["openai/gpt-4o", "openai/gpt-4o", "claude/x", "echo/e"]
        )
        #expect(calls(router, "m", limit: 3, &generator).map(\.name) == ["openai/gpt-4o", "claude/x", "echo/e"])
        #expect(calls(router, "m", limit: 2, &generator).map(\.name) == ["openai/gpt-4o", "claude/x"])
    }

    @Test("Where all accounts rest the next candidate serves, and where there is none the reason is told")
    @LoopActor func resting() async throws {
        let router = try router(#"{"both":["claude/x","echo/e"]}"#)
        var generator = SeededGenerator(seed: 4)
        let first = try #require(router.itinerary(for: "claude/x", limit: 4, random: &generator))
        guard case .attempt(let attempt) = first.next() else {
            Issue.record("there is an account")
            return
        }
        var error = GatewayError(.rateLimitExceeded, "", source: .upstream, retry: .elsewhere, retryAfter: 30)
        error.failureClass = .rateLimited
        attempt.failed(error, "request", body: nil)
        guard case .over(nil) = first.next() else {
            Issue.record("what the account answered is the reason, not that it rests")
            return
        }
        let second = try #require(router.itinerary(for: "claude/x", limit: 4, random: &generator))
        guard case .over(let reason) = second.next() else {
            Issue.record("the account rests")
            return
        }
        #expect(reason?.status == 429)
        #expect((1...30).contains(reason?.retryAfter ?? 0))
        #expect(calls(router, "both", limit: 4, &generator).map(\.name) == ["echo/e"])
    }

    @Test("Ranks follow each other, equals share the load by weight")
    @LoopActor func weights() throws {
        let router = try router(
            #"{"m":[[{"model":"echo/a","weight":3},{"model":"claude/b","weight":1}],"echo/last"]}"#
        )
        var generator = SeededGenerator(seed: 9)
        var first = 0
        for _ in 0..<1000 {
            let attempts = calls(router, "m", limit: 10, &generator).map(\.name)
            #expect(attempts.count == 3)
            #expect(Set(attempts[..<2]) == ["echo/a", "claude/b"])
            #expect(attempts[2] == "echo/last")
            if attempts[0] == "echo/a" { first += 1 }
        }
        #expect((700...800).contains(first), "three of four")
    }

    @Test("A candidate whose provider has no keys is passed over")
    @LoopActor func unconfiguredCandidate() throws {
        let router = try router(#"{"m":["deepseek/deepseek-chat","echo/e"]}"#)
        var generator = SeededGenerator(seed: 1)
        #expect(calls(router, "m", limit: 4, &generator).map(\.name) == ["echo/e"])
    }

    @Test("Unknown names are answered with what may have been meant")
    @LoopActor func unknown() throws {
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
    @LoopActor func near(_ name: String, _ expected: [String]) {
        let known = ["openai/gpt-5", "openai/gpt-4", "openai/gpt-4o", "claude/claude-sonnet"]
        let found = NearNames.nearest(to: name, among: known)
        #expect(Array(found.prefix(expected.count)) == expected)
        #expect(found.count <= 3)
        if expected.isEmpty { #expect(found.isEmpty) }
    }
}
