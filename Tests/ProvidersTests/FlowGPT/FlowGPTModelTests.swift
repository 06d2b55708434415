import Core
import HTTPCodec
import JSON
import Testing

@testable import Providers

@Suite struct FlowGPTModelTests {
    private static let usual = "uzNcMUGo4sOwl4GFvRpm8"

    private func models(_ settings: [String: String] = [:]) throws -> FlowGPTModels {
        try FlowGPTModels(ProviderSettings(settings, now: { 0 }))
    }

    @Test(arguments: [
        ("default", usual), ("gpt-4-free", usual), ("chatgpt-5-pro", "vlaOLDN9qTxzIlvzfL_Ty"),
        ("aisuperior", "lKm5yPE9x-Naf0_0_KI5M"), ("claude-instant", usual), ("flowgpt:any-Prompt_1", "any-Prompt_1"),
        ("abcdefghij-KLMNOPQR_1", "abcdefghij-KLMNOPQR_1"), ("abcdefghij-klmnopqr-1", usual), ("no-such", usual),
        ("", usual),
    ])
    func namesMeanPrompts(_ name: String, _ prompt: String) throws {
        #expect(try models().prompt(of: name) == prompt)
    }

    @Test func unknownNamesCanBeRefused() throws {
        let models = try models(["FLOWGPT_UNKNOWN_MODEL": "error"])
        #expect(throws: GatewayError.self) { try models.prompt(of: "no-such") }
        #expect(try models.prompt(of: "claude-instant") == Self.usual)
        #expect(try models.prompt(of: "flowgpt:x") == "x")
    }

    @Test(arguments: ["flowgpt:", "flowgpt:../x", "flowgpt:a b", "flowgpt:é"])
    func aPromptsIdIsMadeOfItsLetters(_ name: String) throws {
        #expect(throws: GatewayError.self) { try models().prompt(of: name) }
    }

    @Test func theOperatorsMapIsAddedAndWins() throws {
        let models = try models([
            "FLOWGPT_MODEL_MAP": #"{"mine":"mine-1","aisuperior":"other-2"}"#, "DEFAULT_MODEL_ID": "usual-3",
        ])
        #expect(try models.prompt(of: "mine") == "mine-1")
        #expect(try models.prompt(of: "aisuperior") == "other-2")
        #expect(try models.prompt(of: "no-such") == "usual-3")
        #expect(try models.prompt(of: "gpt-4-free") == Self.usual)
        #expect(models.names.contains("mine"))
    }

    @Test(arguments: [
        ["FLOWGPT_MODEL_MAP": "[]"], ["FLOWGPT_MODEL_MAP": #"{"a":1}"#], ["MODEL_MAP": #"{"a":"b c"}"#],
        ["DEFAULT_MODEL_ID": "a/b"], ["FLOWGPT_UNKNOWN_MODEL": "maybe"], ["FLOWGPT_SIGNATURE_MODE": "md5"],
        ["FLOWGPT_CONTEXT_MODE": "none"], ["FLOWGPT_CONTEXT_LAST": "yes"], ["FLOWGPT_CLEAN_LIMIT": "-1"],
        ["FLOWGPT_DEVICE_ID": "a b"], ["FLOWGPT_EXTRA_HEADERS": "x"], ["FLOWGPT_EXTRA_HEADERS": #"{"a b":"c"}"#],
        ["FLOWGPT_EXTRA_HEADERS": #"{"a":"b\r\nc: d"}"#], ["FLOWGPT_DISCOVERY": "perhaps"],
        ["FLOWGPT_CHAT_PATH": "v3"], ["FLOWGPT_DISCOVERY_TTL": "0"],
    ])
    func whatTheOperatorSaysWrongIsNamed(_ settings: [String: String]) throws {
        let name = try #require(settings.keys.first)
        do {
            _ = try flowGPT(settings)
            Issue.record("\(settings) was taken")
        } catch {
            #expect((error as? ProviderProblem)?.message.contains(name) == true)
        }
    }

    @Test func bareNamesAreItsOwnOnlyWithTheirMark() throws {
        let provider = try flowGPT()
        #expect(provider.owns("flowgpt:abc"))
        #expect(!provider.owns("gpt-4o"))
    }
}

@Suite struct FlowGPTListingTests {
    private func page(_ cards: [String]) -> [UInt8] {
        Array(#"[{"result":{"data":{"json":[\#(cards.joined(separator: ","))]}}}]"#.utf8)
    }

    private func card(_ id: String, _ title: String, _ rest: String = "") -> String {
        #"{"id":"\#(id)","title":"\#(title)"\#(rest)}"#
    }

    private func listed(_ cards: [String], _ settings: [String: String] = [:]) throws -> [ListedModel]? {
        try flowGPT(settings).models(ofPages: [page(cards)])
    }

    @Test func thePageIsAskedForAsTheSiteDoes() throws {
        let provider = try flowGPT()
        let request = try #require(provider.modelsRequest(key: "secret"))
        #expect(request.method == .get)
        #expect(request.url.hasPrefix("http://site/api/trpc/prompt.getPrompts?batch=1&input=%7B%220%22"))
        #expect(request.header("authorization") == nil)
        #expect(request.header("referer") == "http://site/")
        let full = page((0..<36).map { card("prompt-\($0)", "Prompt \($0)") })
        let second = try #require(provider.modelsRequest(key: "", after: [full]))
        #expect(second.url.contains("%22skip%22%3A36%2C"))
        #expect(provider.modelsRequest(key: "", after: [full, page([])]) == nil)
        #expect(provider.modelsRequest(key: "", after: [page([card("a", "A")])]) == nil)
        #expect(provider.modelsRequest(key: "", after: [Array("<html>".utf8)]) == nil)
        let short = try flowGPT(["FLOWGPT_DISCOVERY_PAGES": "2"])
        #expect(short.modelsRequest(key: "", after: [full, full]) == nil)
        #expect(try flowGPT(["FLOWGPT_DISCOVERY": "false"]).modelsRequest(key: "") == nil)
    }

    @Test(arguments: [
        ("GPT-4 Free!", "gpt-4-free"), ("  C++ / quotes & tags  ", "c-quotes-tags"), ("夜市の案内人 🎏", "夜市の案内人"),
        ("---", ""), (String(repeating: "ab ", count: 20), "ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-ab"),
        (String(repeating: "x", count: 60), String(repeating: "x", count: 48)), ("Ünïcode", "ünïcode"),
    ])
    func slugsAreMadeOfTitles(_ title: String, _ slug: String) {
        #expect(FlowGPTListing.slug(title) == slug)
    }

    @Test func theOperatorsNamesWinAndClashesAreToldApart() throws {
        let models = try listed([
            card("uzNcMUGo4sOwl4GFvRpm8", "GPT-4 Free"), card("oddTwinTwin", "GPT-4 free"), card("aaaaaaaa", "Same"),
            card("bbbbbbbb", "same!"), card("bbbbbbbc", "same?"), card("aaaaaaaa", "Again"), card("cccc", "🎏"),
        ])
        #expect(models?.map(\.id) == ["gpt-4-free-oddTwi", "same", "same-bbbbbb", "bbbbbbbc", "cccc"])
        #expect(
            models?.map(\.target) == [
                "flowgpt:oddTwinTwin", "flowgpt:aaaaaaaa", "flowgpt:bbbbbbbb", "flowgpt:bbbbbbbc", "flowgpt:cccc",
            ]
        )
    }

    @Test func whatIsNotForEverybodyIsLeftOut() throws {
        let cards = [
            card("a", "Live", #","live":true,"nsfw":false,"createdAt":"2023-04-02T19:17:38.943Z""#),
            card("b", "Gone", #","live":false"#), card("c", "Adult", #","nsfw":true"#), card("a b", "Odd id"),
            #"{"id":"d"}"#, #"{"id":7,"title":"x"}"#, "3",
        ]
        #expect(try listed(cards)?.map(\.id) == ["live"])
        #expect(try listed(cards)?.first?.created == 1_680_463_058)
        #expect(try listed(cards, ["FLOWGPT_NSFW": "yes"])?.map(\.id) == ["live", "adult"])
    }

    @Test func aPageThatMakesNoSenseIsNoList() throws {
        let provider = try flowGPT()
        for body in ["<html>", "[]", "{}", #"[{"error":{}}]"#, #"[{"result":{"data":{"json":{}}}}]"#] {
            #expect(provider.models(ofPages: [Array(body.utf8)]) == nil)
        }
        let half = provider.models(ofPages: [page([card("a", "A")]), Array("<html>".utf8)])
        #expect(half?.map(\.id) == ["a"])
    }

    @Test func aNameThatTheServiceListsIsPreferredToTheLooseOne() throws {
        #expect(try listed([card("claude-id", "Claude Instant")])?.first?.id == "claude-instant")
    }
}
