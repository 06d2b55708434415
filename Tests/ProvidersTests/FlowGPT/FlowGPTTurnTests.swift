import Core
import HTTPCodec
import JSON
import OpenAIAPI
import Testing

@testable import Providers

@Suite struct FlowGPTTurnTests {
    private static let conversation: [(WebMessage.Role, String)] = [
        (.user, "Hi"), (.assistant, "Hello."), (.user, "What is 2+2?"),
    ]

    private func opened(
        _ settings: [String: String] = [:],
        _ turn: Turn,
        at desk: ScriptedDesk
    ) async throws -> OpenedTurn {
        try await flowGPT(settings).open(turn, at: desk)
    }

    private func failure(
        _ settings: [String: String] = [:],
        _ turn: Turn,
        at desk: ScriptedDesk
    ) async -> GatewayError? {
        do {
            _ = try await opened(settings, turn, at: desk)
            return nil
        } catch {
            return error as? GatewayError
        }
    }

    private func messages(_ value: JSONValue?) -> [String] {
        value?.elements.map { "\($0["role"]?.string ?? "?"): \($0["content"]?.string ?? "?")" } ?? []
    }

    @Test func aConversationIsOpenedWithAllThatWasSaid() async throws {
        let desk = ScriptedDesk(answer: opensConversations)
        let turn = try flowGPTTurn(Self.conversation, instructions: "You are terse.")
        let opened = try await opened(turn, at: desk)
        let create = try #require(desk.requests.first)
        #expect(create.url == "http://upstream/conversation/create")
        #expect(create.json?["promptId"]?.string == "uzNcMUGo4sOwl4GFvRpm8")
        #expect(create.json?["location"]?.string == "CHAT_PAGE")
        #expect(
            messages(create.json?["messages"]) == [
                "system: You are terse.", "user: Hi", "assistant: Hello.", "user: What is 2+2?",
            ]
        )
        #expect(create.header("x-signature") == nil)
        let chat = opened.request
        #expect(chat.url == "http://upstream/v3/chat")
        #expect(chat.json?["conversationId"]?.string == "c0nv-1")
        #expect(chat.json?["question"]?.string == "What is 2+2?")
        #expect(chat.json?["model"]?.string == "FlowGPT-Ares")
        #expect(chat.json?["temperature"]?.double == 0.7)
        #expect(chat.json?["history"] == nil)
        #expect(opened.servedModel == "uzNcMUGo4sOwl4GFvRpm8")
    }

    private func opened(_ turn: Turn, at desk: ScriptedDesk) async throws -> OpenedTurn {
        try await opened([:], turn, at: desk)
    }

    @Test func everyCallHasThePagesHeaders() async throws {
        let desk = ScriptedDesk(answer: opensConversations)
        let settings = [
            "FLOWGPT_EXTRA_HEADERS": #"{"x-aws-waf-token":"from-a-browser","Accept-Language":"de"}"#,
            "FLOWGPT_DEVICE_ID": "device-of-all",
        ]
        let chat = try await opened(settings, try flowGPTTurn(), at: desk).request
        for request in desk.requests + [chat] {
            #expect(request.header("accept") == "*/*")
            #expect(request.header("origin") == "http://site")
            #expect(request.header("referer") == "http://site/")
            #expect(request.header("authorization") == "Bearer test-token")
            #expect(request.header("x-flow-device-id") == "device-of-all")
            #expect(request.header("x-flow-language") == "en")
            #expect(request.header("x-aws-waf-token") == "from-a-browser")
            #expect(request.headers.filter { $0.name.lowercased() == "accept-language" }.map(\.value) == ["de"])
        }
        #expect(chat.header("x-timestamp") == "1700000000")
        #expect(chat.header("x-nonce") == desk.nonces.first?.nonce)
        #expect(desk.nonces.map(\.device) == ["device-of-all"])
        let signature = try FlowGPTSignature.authDash.sign(
            timestamp: 1_700_000_000,
            nonce: desk.nonces[0].nonce,
            device: "device-of-all",
            authorization: "Bearer test-token"
        )
        #expect(chat.header("x-signature") == signature)
    }

    @Test func theLastMessageCanBeLeftOutOfTheContext() async throws {
        let settings = ["FLOWGPT_CONTEXT_LAST": "exclude"]
        let desk = ScriptedDesk(answer: opensConversations)
        _ = try await opened(settings, try flowGPTTurn(Self.conversation), at: desk)
        #expect(messages(desk.requests[0].json?["messages"]) == ["user: Hi", "assistant: Hello."])
        // A conversation cannot be opened with nothing.
        _ = try await opened(settings, try flowGPTTurn([(.user, "Hi")]), at: desk)
        #expect(messages(desk.requests[1].json?["messages"]) == ["user: Hi"])
    }

    @Test func inlineContextGoesAlongWithTheQuestion() async throws {
        let desk = ScriptedDesk(answer: opensConversations)
        let turn = try flowGPTTurn(Self.conversation, instructions: "You are terse.", members: #","temperature":0.25"#)
        let chat = try await opened(["FLOWGPT_CONTEXT_MODE": "inline"], turn, at: desk).request
        #expect(desk.requests.isEmpty)
        #expect(chat.json?["conversationId"] == nil)
        #expect(messages(chat.json?["history"]) == ["user: Hi", "assistant: Hello."])
        #expect(chat.json?["system"]?.string == "You are terse.")
        #expect(chat.json?["question"]?.string == "What is 2+2?")
        #expect(chat.json?["temperature"]?.double == 0.25)
    }

    @Test(arguments: [404, 405])
    func aServiceThatOpensNoConversationsIsAskedInline(_ status: Int) async throws {
        let desk = ScriptedDesk { _ in DeskAnswer(status: status, body: Array(#"{"message":"Cannot POST"}"#.utf8)) }
        let chat = try await opened(try flowGPTTurn(Self.conversation), at: desk).request
        #expect(messages(chat.json?["history"]) == ["user: Hi", "assistant: Hello."])
    }

    @Test func aPromptThatIsGoneIsAModelThatIsNotThere() async throws {
        let desk = ScriptedDesk { _ in DeskAnswer(status: 404, body: Array(#"{"message":"Prompt not found"}"#.utf8)) }
        let error = await failure(try flowGPTTurn(), at: desk)
        #expect(error?.code == .modelNotFound)
        #expect(error?.failureClass == FailureClass.none)
    }

    private func failure(_ turn: Turn, at desk: ScriptedDesk) async -> GatewayError? {
        await failure([:], turn, at: desk)
    }

    @Test(arguments: ["{}", #"{"id":""}"#, #"{"id":7}"#, "[]", "<html>", ""])
    func aConversationWithoutAnIdIsNone(_ body: String) async throws {
        let error = await failure(
            try flowGPTTurn(),
            at: ScriptedDesk { _ in DeskAnswer(status: 200, body: Array(body.utf8)) }
        )
        #expect(error?.code == .upstreamInvalid)
        #expect(error?.retry == .elsewhere)
    }

    @Test func visitorsAskWithoutAConversation() async throws {
        let desk = ScriptedDesk(answer: opensConversations)
        let chat = try await opened(try flowGPTTurn(key: "null"), at: desk).request
        #expect(desk.requests.isEmpty)
        #expect(chat.url == "http://upstream/v3/chat-anonymous")
        #expect(chat.header("authorization") == "Bearer null")
    }

    @Test func anEmptyQuestionIsTheClientsMistake() async throws {
        let desk = ScriptedDesk(answer: opensConversations)
        #expect(await failure(try flowGPTTurn([(.user, "")]), at: desk)?.parameter == "messages")
        #expect(desk.requests.isEmpty)
    }

    // MARK: Devices

    @Test func anAccountKeepsItsDevice() async throws {
        let desk = ScriptedDesk(answer: opensConversations)
        let first = try await opened(try flowGPTTurn(), at: desk).request.header("x-flow-device-id")
        let second = try await opened(try flowGPTTurn(), at: desk).request.header("x-flow-device-id")
        #expect(first?.utf8.count == 21)
        #expect(first.map { FlowGPTName.isValid($0) } == true)
        #expect(first == second)
        #expect(desk.claims.isEmpty)
    }

    @Test func whileAnotherWorkerMakesTheDeviceThisOneWaits() async throws {
        let desk = ScriptedDesk(
            answer: opensConversations,
            onPause: { desk, number in if number == 3 { desk.facts["device"] = "made-elsewhere 1700000000" } }
        )
        desk.claims = ["device"]
        let chat = try await opened(try flowGPTTurn(), at: desk).request
        #expect(chat.header("x-flow-device-id") == "made-elsewhere")
        #expect(desk.pauses == 3)
    }

    @Test func aDeviceThatNobodyMakesIsAnError() async throws {
        let desk = ScriptedDesk(answer: opensConversations)
        desk.claims = ["device"]
        #expect(await failure(try flowGPTTurn(), at: desk)?.code == .stateUnavailable)
    }

    @Test func aDeviceInUseIsRememberedAnew() async throws {
        let desk = ScriptedDesk(answer: opensConversations)
        desk.facts["device"] = "old-device 1690000000"
        _ = try await opened(try flowGPTTurn(), at: desk)
        #expect(desk.facts["device"] == "old-device 1700000000")
        #expect(desk.lifetimes["device"] == 365 * 86_400)
    }

    @Test func theOperatorsDevicesAreTaken() async throws {
        let desk = ScriptedDesk(answer: opensConversations)
        let settings = ["FLOWGPT_DEVICE_ID": "device-of-all"]
        let own = try await opened(settings, try flowGPTTurn(key: "abc|device-of-abc"), at: desk).request
        #expect(own.header("x-flow-device-id") == "device-of-abc")
        #expect(own.header("authorization") == "Bearer abc")
        #expect(desk.facts.isEmpty)
    }

    @Test func nothingIsKeptOfACallersOwnToken() async throws {
        let desk = ScriptedDesk(answer: opensConversations)
        let settings = ["FLOWGPT_SIGNATURE_MODE": "auto"]
        let turn = try flowGPTTurn(key: "brought-along", isOwnKey: true)
        let first = try await opened(settings, turn, at: desk).request
        let second = try await opened(settings, turn, at: desk).request
        #expect(first.header("x-flow-device-id")?.utf8.count == 21)
        #expect(first.header("x-flow-device-id") == second.header("x-flow-device-id"))
        try await flowGPT(settings).conclude(turn, TurnEnd(state: Array("none".utf8)), at: desk)
        #expect(desk.facts.isEmpty)
    }

    // MARK: Ways of signing

    @Test func refusedSignaturesAreTriedTheOtherWays() async throws {
        let desk = ScriptedDesk(answer: opensConversations)
        let provider = try flowGPT(["FLOWGPT_SIGNATURE_MODE": "auto"])
        let turn = try flowGPTTurn()
        let refused = provider.failure(FailedAnswer(status: 403, body: Array(#"{"message":"invalid signature"}"#.utf8)))
        var opened = try await provider.open(turn, at: desk)
        var signatures = [opened.request.header("x-signature")]
        while let again = try await provider.reopen(turn, opened, after: refused, at: desk) {
            opened = again
            signatures.append(again.request.header("x-signature"))
        }
        #expect(signatures.count == 4)
        #expect(Set(signatures).count == 4)
        #expect(signatures.last == .some(nil))
        #expect(Set(desk.nonces.map(\.nonce)).count == 4)
        #expect(desk.requests.count == 1, "the conversation is opened once")
    }

    @Test func theWayThatWorkedIsRemembered() async throws {
        let desk = ScriptedDesk(answer: opensConversations)
        let provider = try flowGPT(["FLOWGPT_SIGNATURE_MODE": "auto"])
        let turn = try flowGPTTurn()
        await provider.conclude(turn, TurnEnd(state: Array("device-colon".utf8)), at: desk)
        #expect(desk.lifetimes["signature"] == 86_400)
        let opened = try await provider.open(turn, at: desk)
        let device = try #require(opened.request.header("x-flow-device-id"))
        let expected = try FlowGPTSignature.deviceColon.sign(
            timestamp: 1_700_000_000,
            nonce: desk.nonces[0].nonce,
            device: device,
            authorization: "Bearer test-token"
        )
        #expect(opened.request.header("x-signature") == expected)
    }

    @Test func otherFailuresAreNoReasonToSignAnew() async throws {
        let desk = ScriptedDesk(answer: opensConversations)
        let turn = try flowGPTTurn()
        for (settings, status) in [(["FLOWGPT_SIGNATURE_MODE": "auto"], 429), ([:], 403)] {
            let provider = try flowGPT(settings)
            let opened = try await provider.open(turn, at: desk)
            let error = provider.failure(FailedAnswer(status: status, body: []))
            let again = try await provider.reopen(turn, opened, after: error, at: desk)
            #expect(again?.request.url == nil)
        }
    }

    // MARK: Examinations

    @Test func anAccountThatAnswersWorks() async throws {
        let desk = ScriptedDesk { request throws(GatewayError) in
            guard request.url.hasSuffix("/v3/chat") else { return try opensConversations(request) }
            guard request.header("x-signature") == nil else { return DeskAnswer(status: 401) }
            return DeskAnswer(status: 200, body: Array(#"{"event":"text","data":"Hello"}"#.utf8))
        }
        let findings = try await flowGPT(["FLOWGPT_SIGNATURE_MODE": "auto"]).examine(at: desk)
        #expect(findings.works)
        #expect(desk.facts["signature"] == "none")
    }

    @Test func anAccountThatIsRefusedDoesNot() async throws {
        let desk = ScriptedDesk { _ in DeskAnswer(status: 401, body: Array(#"{"data":"jwt expired"}"#.utf8)) }
        let findings = try await flowGPT().examine(at: desk)
        #expect(!findings.works)
        #expect(findings.note?.isEmpty == false)
    }

    @Test func aFailingServiceSaysNothingOfTheAccount() async throws {
        let desk = ScriptedDesk { _ in DeskAnswer(status: 500) }
        await #expect(throws: GatewayError.self) { try await flowGPT().examine(at: desk) }
    }
}
