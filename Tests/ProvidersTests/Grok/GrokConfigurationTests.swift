import Core
import HTTPCodec
import OpenAIAPI
import Providers
import Testing

@Suite("Grok as the operator has it")
struct GrokConfigurationTests {
    private func problem(_ variables: [String: String]) -> String? {
        do {
            _ = try grok(variables)
            return nil
        } catch {
            return (error as? ProviderProblem)?.message
        }
    }

    @Test(
        "What cannot be is refused at the start, and named",
        arguments: [
            ("GROK_WIRE", "mgw"), ("GROK_WIRE", "x"), ("GROK_EXTRA_HEADERS", "[]"),
            ("GROK_EXTRA_HEADERS", #"{"a b":"c"}"#),
            ("GROK_EXTRA_HEADERS", #"{"a":"c\r\nd"}"#), ("GROK_EXTRA_COOKIES", "x"), ("GROK_EXTRA_COOKIES", "a=b\u{7}"),
            ("GROK_MODELS", "[]"), ("GROK_MODELS", #"{"grok-x":1}"#), ("GROK_CONCURRENCY", "0"), ("GROK_LABELS", "de"),
            ("SHOW_THINKING", "maybe"), ("SHOW_SEARCH", "maybe"), ("GROK_TEMPORARY", "2"),
            ("GROK_BASE_URL", "grok.com"),
            ("GROK_USER_AGENT", "x\u{1}y"),
        ]
    )
    func refused(name: String, value: String) {
        #expect(problem([name: value])?.contains(name) == true)
    }

    @Test("WebSocket is refused in words that help")
    func webSocket() { #expect(problem(["GROK_WIRE": "mgw"])?.contains("WebSocket") == true) }

    @Test("Accounts in every way in which people write them down")
    func accounts() throws {
        func accounts(_ variable: String, _ text: String) -> [String] {
            GrokProvider.definition.credentials(ProviderSettings([variable: text], now: { 0 }))
        }
        #expect(accounts("GROK_TOKENS", "a.b.c, sso=d.e.f\n\n a.b.c \nsso=g; sso-rw=g") == ["a.b.c", "d.e.f", "g"])
        #expect(accounts("GROK_TOKENS", "a\u{2011}b\u{200B}c, ,;") == ["a-bc"])
        #expect(accounts("GROK_TOKENS", "i18n=en; sso=x; cf_clearance=y") == ["sso=x; i18n=en; cf_clearance=y"])
        #expect(accounts("GROK_COOKIE", "cf=a,b; sso=x") == ["sso=x; cf=a,b"])
        #expect(accounts("GROK_COOKIE", "cf=a; other=b").isEmpty)
        #expect(accounts("GROK_TOKENS", String(repeating: "x", count: 17 << 10)).isEmpty)
        #expect(accounts("GROK_TOKENS", "tök").isEmpty)
    }

    @Test("A pool that decides each lease for itself")
    func pool() {
        let traits = GrokProvider.definition.pool
        #expect(traits.isExact && traits.concurrency == 8 && traits.concurrencyVariable == "GROK_CONCURRENCY")
        #expect(traits.rest?.first == .seconds(60) && traits.rest?.longest == .seconds(5 * 3600))
    }

    @Test(
        "Models: known ones, aliases, former ones, the operator's, and any other",
        arguments: [
            ("grok-3", "grok-3", "MODEL_MODE_GROK_3", "fast"),
            ("grok-3-mini", "grok-3", "MODEL_MODE_GROK_3_MINI_THINKING", "expert"),
            ("grok-4.2", "grok-420", "MODEL_MODE_GROK_420", "auto"),
            ("grok-420", "grok-420", "MODEL_MODE_GROK_420", "auto"),
            ("grok-4.1-thinking", "grok-4-1-thinking-1129", "MODEL_MODE_GROK_4_1_THINKING", "expert"),
            ("grok-4-heavy", "grok-4", "MODEL_MODE_HEAVY", "heavy"), ("grok-9", "grok-9", "MODEL_MODE_AUTO", "auto"),
            ("grok-own", "own", "MODEL_MODE_OWN_THINKING", "own-mode"),
            ("grok-4.2-fast", "grok-430", "MODEL_MODE_FAST", "fast"),
        ]
    )
    func models(id: String, name: String, mode: String, modeID: String) async throws {
        let own =
            #"{"grok-own":{"modelName":"own","modelMode":"MODEL_MODE_OWN_THINKING","modeId":"own-mode"},"grok-4.2-fast":{"modelName":"grok-430"}}"#
        let old = try await grok(["GROK_MODELS": own]).open(grokTurn(model: id), at: ScriptedDesk()).request
        #expect(body(of: old).contains(#""modelName":"\#(name)","modelMode":"\#(mode)""#))
        #expect(body(of: old).contains(#""is_think_harder":\#(mode.contains("THINKING"))"#))
        let provider = try grok(["GROK_MODELS": own, "GROK_WIRE": "rest-modeid"])
        #expect(
            body(of: try await provider.open(grokTurn(model: id), at: ScriptedDesk()).request).contains(
                #""modeId":"\#(modeID)""#
            )
        )
    }

    @Test("Its names")
    func names() throws {
        let provider = try grok(["GROK_MODELS": #"{"fox":{"modeId":"fox"}}"#])
        #expect(
            provider.owns("grok-3") && provider.owns("grok-99") && !provider.owns("fox") && !provider.owns("gpt-4o")
        )
        #expect(provider.knownModels.contains("fox") && provider.knownModels.contains("grok-4.2"))
    }

    @Test(
        "Where thoughts go: as the operator says, and the request",
        arguments: [
            (nil, "", ThinkingStyle.field), ("true", "", .tags), ("think_tag", "", .tags), ("hidden", "", .hidden),
            ("0", "", .hidden), (nil, #","thinking":false"#, .hidden),
            (nil, #","thinking":{"type":"disabled"}"#, .hidden),
            ("false", #","thinking":true"#, .field),
            ("true", #","thinking":{"type":"enabled","budget_tokens":9}"#, .tags),
            (nil, #","show_thinking":false"#, .hidden), ("false", #","show_thinking":true"#, .field),
            (nil, #","show_thinking":"think_tag","thinking":false"#, .tags), (nil, #","thinking":"x""#, .field),
        ] as [(String?, String, ThinkingStyle)]
    )
    func thinking(variable: String?, members: String, style: ThinkingStyle) throws {
        let provider = try grok(variable.map { ["SHOW_THINKING": $0] } ?? [:])
        let request = try grokTurn(members: members).request
        #expect(try ThinkingStyle.wanted(by: request, usually: provider.traits.thinking) == style)
    }

    @Test("A wish for thoughts that means nothing is refused")
    func noWish() throws {
        let request = try grokTurn(members: #","show_thinking":"loudly""#).request
        #expect {
            _ = try ThinkingStyle.wanted(by: request, usually: .field)
        } throws: { ($0 as? GatewayError)?.parameter == "show_thinking" }
    }

    // MARK: Examination

    private func examine(
        _ variables: [String: String] = ["GROK_WIRE": "rest-modeid"],
        subscriptions: String = #"{"subscriptions":[]}"#,
        _ limits: @escaping @Sendable (String) -> DeskAnswer
    ) async throws -> AccountFindings {
        let desk = scripted { request in
            if request.url.hasSuffix("/rest/subscriptions") {
                return DeskAnswer(status: subscriptions.isEmpty ? 500 : 200, body: Array(subscriptions.utf8))
            }
            return limits(body(of: request))
        }
        return try await grok(variables).examine(at: desk)
    }

    private static func limits(_ total: Int) -> DeskAnswer {
        DeskAnswer(status: 200, body: Array(#"{"remainingQueries":\#(total - 1),"totalQueries":\#(total)}"#.utf8))
    }

    @Test("An account's plan and what is left to it")
    func examined() async throws {
        let free = try await examine { $0.contains("fast") ? Self.limits(30) : Self.limits(20) }
        #expect(free.works && free.plan == "free")
        #expect(free.quotas.map(\.model) == ["fast", "auto"] && free.quotas.map(\.remaining) == [29, 19])
        let active = { (tier: String) in
            #"{"subscriptions":[{"tier":"SUBSCRIPTION_TIER_\#(tier)","status":"SUBSCRIPTION_STATUS_ACTIVE"}]}"#
        }
        #expect(try await examine(subscriptions: active("GROK_PRO")) { _ in Self.limits(50) }.plan == "super")
        let heavy = try await examine(subscriptions: active("SUPER_GROK_PRO")) { _ in Self.limits(150) }
        #expect(heavy.plan == "heavy" && heavy.quotas.map(\.model) == ["fast", "auto", "expert", "heavy"])
        let guessed = try await examine(subscriptions: "") {
            $0.contains("fast") ? Self.limits(140) : $0.contains("auto") ? Self.limits(50) : DeskAnswer(status: 404)
        }
        #expect(guessed.plan == "super" && guessed.quotas.count == 2)
        let old = try await examine([:]) { _ in
            DeskAnswer(
                status: 200,
                body: Array(#"{"remainingTokens":0,"totalTokens":140,"waitTimeSeconds":60.5}"#.utf8)
            )
        }
        #expect(old.quotas.map(\.model) == ["grok-3", "grok-420", "grok-4-1-thinking-1129"])
        #expect(old.quotas.first?.remaining == 0 && old.quotas.first?.total == 140 && old.quotas.first?.wait == 61)
    }

    @Test("An account that is no more does not work; a bot check says nothing of it")
    func notWorking() async throws {
        let dead = try await examine { _ in DeskAnswer(status: 401) }
        #expect(!dead.works && dead.note != nil)
        let page = Array("<html>Just a moment...</html>".utf8)
        #expect(
            await thrown { try await examine { _ in DeskAnswer(status: 403, body: page) } }?.code == .upstreamBlocked
        )
        #expect(try await examine { _ in DeskAnswer(status: 429) }.works)
    }
}
