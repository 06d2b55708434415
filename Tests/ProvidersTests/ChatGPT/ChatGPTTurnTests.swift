import Core
import HTTPCodec
import JSON
import OpenAIAPI
import Testing

@testable import Providers

@Suite("ChatGPT's turns")
struct ChatGPTTurnTests {
    private static func body(_ opened: OpenedTurn) throws -> JSONValue {
        try JSONDocument(parsing: opened.request.body).root
    }

    private static func texts(_ body: JSONValue) -> [String] {
        body["messages"]?.elements.map { $0["content"]?["parts"]?.elements.compactMap(\.string).last ?? "" } ?? []
    }

    private static func roles(_ body: JSONValue) -> [String] {
        body["messages"]?.elements.map { $0["author"]?["role"]?.string ?? "" } ?? []
    }

    private static let state = Array(#"{"conversation":"c-1","parent":"m-1"}"#.utf8)
    private static let talk = [
        WebMessage(role: .user, text: "one"), WebMessage(role: .assistant, text: "1"),
        WebMessage(role: .user, text: "two"),
    ]

    @Test("The earlier way: what is required, then the turn")
    func legacy() async throws {
        let provider = try ChatGPT.provider(["CHATGPT_PROTOCOL": "legacy"])
        let desk = ChatGPT.desk()
        let opened = try await provider.open(ChatGPT.turn(), at: desk)
        #expect(desk.requests.map(\.url) == ["http://site/backend-api/sentinel/chat-requirements"])
        #expect(opened.request.url == "http://site/backend-api/conversation")
        #expect(ChatGPT.header("openai-sentinel-chat-requirements-token", of: opened.request) == "req-1")
        #expect(ChatGPT.header("openai-sentinel-proof-token", of: opened.request)?.hasPrefix("gAAAAAB") == true)
        #expect(ChatGPT.header("Authorization", of: opened.request) == "Bearer \(ChatGPT.token())")
        #expect(ChatGPT.header("Accept", of: opened.request) == "text/event-stream")
        #expect(ChatGPT.header("Referer", of: opened.request) == "http://site/")
        let body = try Self.body(opened)
        #expect(body["action"]?.string == "next")
        #expect(body["model"]?.string == "gpt-4o")
        #expect(body["history_and_training_disabled"]?.bool == true)
        #expect(body["force_use_sse"]?.bool == true)
        #expect(body["supported_encodings"]?.count == 0)
        #expect(body["conversation_id"] == nil)
        #expect(Self.texts(body) == ["Hi"])
        #expect(opened.passage == .new)
    }

    @Test("The present way: two steps, the announcement, the turn")
    func present() async throws {
        let provider = try ChatGPT.provider(["CHATGPT_PROTOCOL": "f"])
        let desk = ChatGPT.desk()
        let opened = try await provider.open(
            ChatGPT.turn(members: #","reasoning_effort":"high","system_hints":["search"]"#),
            at: desk
        )
        #expect(
            desk.requests.map(\.url) == [
                "http://site/backend-api/sentinel/chat-requirements/prepare",
                "http://site/backend-api/sentinel/chat-requirements/finalize",
                "http://site/backend-api/f/conversation/prepare",
            ]
        )
        #expect(opened.request.url == "http://site/backend-api/f/conversation")
        #expect(ChatGPT.header("openai-sentinel-chat-requirements-token", of: opened.request) == "req-2")
        #expect(ChatGPT.header("X-Conduit-Token", of: opened.request) == "conduit-1")
        let body = try Self.body(opened)
        #expect(body["parent_message_id"]?.string == "client-created-root")
        #expect(body["thinking_effort"]?.string == "max")
        #expect(body["supported_encodings"]?[0]?.string == "v1")
        #expect(body["system_hints"]?[0]?.string == "search")
        #expect(body["force_use_sse"] == nil)
        #expect(body["websocket_request_id"] == nil)
        let finalize = try JSONDocument(parsing: desk.requests[1].body).root
        #expect(finalize["prepare_token"]?.string == "ticket-1")
        #expect(finalize["proofofwork"]?.string?.hasSuffix("~S") == true)
    }

    @Test("A site without the present way is spoken to in the earlier one, and that is remembered")
    func automatic() async throws {
        let provider = try ChatGPT.provider()
        let desk = ChatGPT.desk { $0.url.hasSuffix("/prepare") ? ChatGPT.json("{}", status: 404) : nil }
        let first = try await provider.open(ChatGPT.turn(), at: desk)
        #expect(first.request.url == "http://site/backend-api/conversation")
        #expect(desk.requests.count == 2)
        _ = try await provider.open(ChatGPT.turn(), at: desk)
        #expect(desk.requests.count == 3)
    }

    @Test("Nothing is asked for where somebody else shows it")
    func conversationOnly() async throws {
        let provider = try ChatGPT.provider([
            "CONVERSATION_ONLY": "1", "CHATGPT_PROTOCOL": "legacy", "AUTH_KEY": "door",
        ])
        let desk = ChatGPT.desk()
        let opened = try await provider.open(ChatGPT.turn(), at: desk)
        #expect(desk.requests.isEmpty)
        #expect(!opened.request.headers.contains { $0.name.hasPrefix("openai-sentinel") })
        #expect(ChatGPT.header("authkey", of: opened.request) == "door")
    }

    @Test("A check that only a browser passes is told as one")
    func arkose() async throws {
        let provider = try ChatGPT.provider(["CHATGPT_PROTOCOL": "legacy"])
        let desk = ChatGPT.desk { _ in ChatGPT.json(#"{"token":"t","arkose":{"required":true}}"#) }
        let turn = try ChatGPT.turn()
        let error = await #expect(throws: GatewayError.self) { try await provider.open(turn, at: desk) }
        #expect(error?.code == .upstreamCheckRequired)
        // The other kind is often asked for and not missed.
        let tolerant = ChatGPT.desk { _ in ChatGPT.json(#"{"token":"t","turnstile":{"required":true}}"#) }
        _ = try await provider.open(turn, at: tolerant)
    }

    @Test("A conversation goes on with what is new")
    func goesOn() async throws {
        let provider = try ChatGPT.provider(["CHATGPT_PROTOCOL": "legacy", "HISTORY_DISABLED": "no"])
        let past = Turn.Past(state: Self.state, account: "account-1")
        let turn = try ChatGPT.turn(past: past, messages: Self.talk, instructions: "Be brief.")
        let opened = try await provider.open(turn, at: ChatGPT.desk())
        let body = try Self.body(opened)
        #expect(opened.passage == .continued)
        #expect(body["conversation_id"]?.string == "c-1")
        #expect(body["parent_message_id"]?.string == "m-1")
        #expect(Self.texts(body) == ["two"])
        #expect(ChatGPT.header("Referer", of: opened.request) == "http://site/c/c-1")
        var changed = past
        changed.hasNewInstructions = true
        let again = try await provider.open(
            ChatGPT.turn(past: changed, messages: Self.talk, instructions: "Be long."),
            at: ChatGPT.desk()
        )
        #expect(Self.texts(try Self.body(again)) == ["Be long.", "two"])
    }

    @Test("Where it cannot go on, everything is told again, if there is anything to tell")
    func replay() async throws {
        let provider = try ChatGPT.provider(["CHATGPT_PROTOCOL": "legacy", "HISTORY_DISABLED": "no"])
        let gone = Turn.Past(state: Self.state, account: "account-2")
        let opened = try await provider.open(
            ChatGPT.turn(past: gone, messages: Self.talk, instructions: "Be brief."),
            at: ChatGPT.desk()
        )
        #expect(opened.passage == .replayed)
        let body = try Self.body(opened)
        #expect(body["conversation_id"] == nil)
        #expect(Self.texts(body) == ["Be brief.", "one", "1", "two"])
        #expect(Self.roles(body) == ["system", "user", "assistant", "user"])
        let silent = try ChatGPT.turn(past: gone)
        let error = await #expect(throws: GatewayError.self) { try await provider.open(silent, at: ChatGPT.desk()) }
        #expect(error?.code == .conversationUnavailable)
        let deleted = Turn.Past(
            state: Array(#"{"conversation":"c-1","parent":"m-1","deleted":true}"#.utf8),
            account: "account-1"
        )
        let anew = try await provider.open(ChatGPT.turn(past: deleted, messages: Self.talk), at: ChatGPT.desk())
        #expect(anew.passage == .replayed)
    }

    @Test("What the system says can be put into the user's mouth")
    func systemAsUser() async throws {
        let provider = try ChatGPT.provider(["CHATGPT_PROTOCOL": "legacy", "SYSTEM_AS_USER": "t"])
        let turn = try ChatGPT.turn(messages: Self.talk, instructions: "Be brief.")
        let body = try Self.body(try await provider.open(turn, at: ChatGPT.desk()))
        #expect(Self.roles(body) == ["user", "assistant", "user"])
        #expect(Self.texts(body)[0] == "Be brief.\n\none")
    }

    @Test("A refused token is renewed once before the turn")
    func renewed() async throws {
        let provider = try ChatGPT.provider(
            ["CHATGPT_PROTOCOL": "legacy", "OPENAI_AUTH_TOKEN_URL": "http://auth/token"]
        )
        let desk = ChatGPT.desk(key: "rt_" + String(repeating: "a", count: 60)) { request in
            if request.url == "http://auth/token" {
                let name = String(decoding: request.body, as: UTF8.self).contains("rt_2") ? "two" : "one"
                return ChatGPT.json(#"{"access_token":"\#(ChatGPT.token(name))","refresh_token":"rt_2"}"#)
            }
            let isOld = ChatGPT.header("Authorization", of: request) == "Bearer \(ChatGPT.token("one"))"
            return isOld ? ChatGPT.json(#"{"detail":{"code":"token_revoked"}}"#, status: 401) : nil
        }
        let opened = try await provider.open(ChatGPT.turn(), at: desk)
        #expect(ChatGPT.header("Authorization", of: opened.request) == "Bearer \(ChatGPT.token("two"))")
        #expect(desk.requests.filter { $0.url == "http://auth/token" }.count == 2)
    }

    @Test("A turn that was refused on its way is begun anew, once")
    func reopened() async throws {
        let provider = try ChatGPT.provider(
            ["CHATGPT_PROTOCOL": "legacy", "HISTORY_DISABLED": "no", "OPENAI_AUTH_TOKEN_URL": "http://auth/token"]
        )
        let desk = ChatGPT.desk(key: "rt_" + String(repeating: "a", count: 60)) { request in
            guard request.url == "http://auth/token" else { return nil }
            let name = String(decoding: request.body, as: UTF8.self).contains("rt_2") ? "two" : "one"
            return ChatGPT.json(#"{"access_token":"\#(ChatGPT.token(name))","refresh_token":"rt_2"}"#)
        }
        let turn = try ChatGPT.turn(past: Turn.Past(state: Self.state, account: "account-1"), messages: Self.talk)
        let opened = try await provider.open(turn, at: desk)
        let refusal = ChatGPTFailure.make(FailedAnswer(status: 401, body: []))
        let again = try #require(try await provider.reopen(turn, opened, after: refusal, at: desk))
        #expect(ChatGPT.header("Authorization", of: again.request) == "Bearer \(ChatGPT.token("two"))")
        #expect(again.passage == .continued)
        #expect(try await provider.reopen(turn, again, after: refusal, at: desk) == nil)
        let lost = ChatGPTFailure.make(
            FailedAnswer(status: 404, body: Array(#"{"detail":{"code":"conversation_not_found"}}"#.utf8))
        )
        let told = try #require(try await provider.reopen(turn, opened, after: lost, at: desk))
        #expect(told.passage == .replayed)
        #expect(Self.texts(try Self.body(told)) == ["one", "1", "two"])
        #expect(try await provider.reopen(turn, told, after: lost, at: desk) == nil)
        // Nothing is sent twice that the site may have taken.
        let cut = GatewayError(.upstreamCut, "x", source: .upstream)
        #expect(try await provider.reopen(turn, opened, after: cut, at: desk) == nil)
    }

    @Test("The workspace: the header's, else the credential's, else the body's")
    func workspaces() async throws {
        let provider = try ChatGPT.provider(["CHATGPT_PROTOCOL": "legacy"])
        let member = #","Chatgpt-Account-Id":"body-1""#
        func sent(_ key: String, _ turn: Turn) async throws -> String? {
            let opened = try await provider.open(turn, at: ChatGPT.desk(key: key))
            return ChatGPT.header("ChatGPT-Account-ID", of: opened.request)
        }
        let token = ChatGPT.token()
        #expect(try await sent(token, ChatGPT.turn()) == nil)
        #expect(try await sent(token, ChatGPT.turn(members: member)) == "body-1")
        #expect(try await sent(token + ",team-1", ChatGPT.turn(members: member)) == "team-1")
        #expect(try await sent(token + ",team-1", ChatGPT.turn(members: member, workspace: "head-1")) == "head-1")
        let bad = try ChatGPT.turn(workspace: "a\r\nX: y")
        await #expect(throws: GatewayError.self) { try await provider.open(bad, at: ChatGPT.desk()) }
    }

    @Test(
        "Names of models",
        arguments: [
            ("gpt-4o", "gpt-4o", nil), ("gpt-4o-2024-08-06", "gpt-4o", nil), ("gpt-5-thinking", "gpt-5-thinking", nil),
            ("o1-preview", "o1-preview", nil), ("gpt-3.5-turbo", "text-davinci-002-render-sha", nil),
            ("gpt-4-turbo", "gpt-4", nil), ("something-new", "something-new", nil),
            ("gizmo-g-abcdef123", "auto", "g-abcdef123"), ("gpt-4-gizmo-g-abcdef123", "auto", "g-abcdef123"),
            ("gpt-5-gizmo-g-abcdef123-name", "gpt-5", "g-abcdef123-name"), ("g-abcdef123", "auto", "g-abcdef123"),
            ("g-p-abcdef123", "auto", "g-p-abcdef123"),
        ]
    )
    func models(name: String, slug: String, gizmo: String?) {
        let model = ChatGPTModel(name)
        #expect(model.slug == slug)
        #expect(model.gizmo == gizmo)
        #expect(ChatGPTModel.isOwn(name) == (gizmo != nil))
    }

    @Test("Research is a hint", arguments: [("deep-research", "auto"), ("o3-deep-research", "o3")])
    func research(name: String, slug: String) {
        #expect(ChatGPTModel(name).slug == slug)
        #expect(ChatGPTModel(name).hints == ["research"])
    }

    @Test(
        "Other people's names are left to them",
        arguments: ["gpt-4o", "g-4", "gemini-2", "gizmo", "g-short", "g-wordsonlyhere"]
    )
    func others(name: String) throws {
        #expect(try ChatGPT.provider().owns(name) == false)
    }

    @Test("A GPT is a mode of the conversation")
    func gizmo() async throws {
        let provider = try ChatGPT.provider(["CHATGPT_PROTOCOL": "legacy"])
        let opened = try await provider.open(ChatGPT.turn(model: "gizmo-g-abcdef123"), at: ChatGPT.desk())
        let mode = try Self.body(opened)["conversation_mode"]
        #expect(mode?["kind"]?.string == "gizmo_interaction")
        #expect(mode?["gizmo_id"]?.string == "g-abcdef123")
    }

    @Test("Pictures want the history")
    func pictures() async throws {
        let provider = try ChatGPT.provider(["CHATGPT_PROTOCOL": "legacy"])
        let turn = try ChatGPT.turn(members: #","system_hints":["picture_v2"]"#)
        #expect(
            try Self.body(try await provider.open(turn, at: ChatGPT.desk()))["history_and_training_disabled"]?.bool
                == false
        )
        let asked = try ChatGPT.turn(members: #","history_disabled":false"#)
        #expect(
            try Self.body(try await provider.open(asked, at: ChatGPT.desk()))["history_and_training_disabled"]?.bool
                == false
        )
    }

    @Test(
        "Members that are not what they should be are named",
        arguments: [
            (#","history_disabled":1"#, "history_disabled"), (#","system_hints":"x""#, "system_hints"),
            (#","system_hints":[1]"#, "system_hints[0]"), (#","deep_research":"yes""#, "deep_research"),
            (#","Chatgpt-Account-Id":"a b""#, "Chatgpt-Account-Id"),
        ]
    )
    func wrong(members: String, parameter: String) async throws {
        let provider = try ChatGPT.provider(["CHATGPT_PROTOCOL": "legacy"])
        let turn = try ChatGPT.turn(members: members)
        let error = await #expect(throws: GatewayError.self) { try await provider.open(turn, at: ChatGPT.desk()) }
        #expect(error?.parameter == parameter)
        #expect(error?.status == 400)
    }

    @Test("A further call shows what the site wants anew")
    func prepared() async throws {
        let provider = try ChatGPT.provider(["CHATGPT_PROTOCOL": "legacy", "HISTORY_DISABLED": "no"])
        let course = try ChatGPT.course()
        let desk = ChatGPT.desk()
        let ready = try await provider.prepare(course.continuation("c-1", "m-1"), ChatGPT.turn(), at: desk)
        #expect(ChatGPT.header("openai-sentinel-chat-requirements-token", of: ready) == "req-1")
        #expect(desk.requests.map(\.url) == ["http://site/backend-api/sentinel/chat-requirements"])
        let resumed = try await provider.prepare(course.resumption("c-1", nil, 3), ChatGPT.turn(), at: desk)
        #expect(resumed.headers.contains { $0.name.hasPrefix("openai-sentinel") } == false)
        #expect(desk.pauses >= 1)
    }

    @Test("What is deleted afterwards is deleted when the client has its answer")
    func deletion() async throws {
        let provider = try ChatGPT.provider(["HISTORY_DISABLED": "no", "DELETE_AFTER": "yes"])
        let desk = ChatGPT.desk()
        let turn = try ChatGPT.turn()
        await provider.conclude(turn, TurnEnd(state: Self.state), at: desk)
        #expect(desk.requests.isEmpty)
        let deleted = Array(#"{"conversation":"c/1","parent":"m-1","deleted":true}"#.utf8)
        await provider.conclude(turn, TurnEnd(state: deleted), at: desk)
        #expect(desk.requests.map(\.url) == ["http://site/backend-api/conversation/c%2F1"])
        #expect(desk.requests[0].method == .patch)
    }

    @Test(
        "Settings that make no sense are named",
        arguments: [
            "CHATGPT_PROTOCOL", "CHATGPT_BASE_URL", "HISTORY_DISABLED", "CHATGPT_POW_ALGO", "CHATGPT_POW_CONFIG",
            "POW_DIFFICULTY", "MAX_CONTINUE_COUNT", "TOOL_TRACE", "CHATGPT_EXTRA_HEADERS", "OPENAI_AUTH_TOKEN_URL",
        ]
    )
    func settings(name: String) {
        let error = #expect(throws: ProviderProblem.self) { try ChatGPT.provider([name: "nonsense!"]) }
        #expect(error?.message.contains(name) == true)
    }
}
