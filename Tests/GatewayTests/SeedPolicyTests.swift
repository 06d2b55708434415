import Core
import HTTPCodec
import State
import Testing

@testable import Gateway

@Suite("What those who share an account get")
struct SeedPolicyTests {
    private func verdict(
        _ method: HTTPMethod,
        _ path: String,
        _ reach: Configuration.Mirror.Reach = .known
    ) throws -> SeedVerdict {
        SeedPolicy.verdict(try MirrorPath(Array("/backend-api/\(path)".utf8)[...], query: nil), method, reach)
    }

    @Test(
        "Answers of our own win over what is closed",
        arguments: [
            ("me", SeedVerdict.person), ("conversations", .list), ("memories", .empty(.memories)),
            ("user_system_messages", .empty(.instructions)), ("shared_conversations", .empty(.shared)),
            ("gizmos/bootstrap", .empty(.gizmos)), ("gizmos/pinned", .empty(.items)), ("tasks", .empty(.tasks)),
            ("gizmos/snorlax/sidebar", .empty(.items)), ("subscriptions", .empty(.plan)),
            ("accounts/check/v4-2023-04-27", .accounts), ("edge", .empty(.none)),
        ]
    )
    func answers(path: String, expected: SeedVerdict) throws {
        for reach in [Configuration.Mirror.Reach.known, .all] { #expect(try verdict(.get, path, reach) == expected) }
    }

    @Test(
        "Closed stays closed whatever the operator opens",
        arguments: [
            (HTTPMethod.patch, "conversations"), (.post, "memories"), (.get, "payments/x"), (.get, "gizmos/g-1"),
            (.get, "accounts/a/invites"), (.post, "accounts/logout_all"), (.get, "conversations/c-1"),
            (.get, "celsius/ws/user"), (.get, "Conversations/search"), (.post, "me"), (.delete, "tasks"),
            (.delete, "conversation"), (.post, "conversation/init/x"), (.get, "conversation/init"),
            (.get, "conversation/gen_title"), (.post, "gizmos/snorlax/upsert"),
        ]
    )
    func closed(method: HTTPMethod, path: String) throws {
        for reach in [Configuration.Mirror.Reach.known, .all] { #expect(try verdict(method, path, reach) == .closed) }
    }

    @Test(
        "Conversations are found wherever their ids are",
        arguments: [
            (HTTPMethod.get, "conversation/C-1", SeedVerdict.conversation(id: "C-1", isWhole: true)),
            (.patch, "Conversation/C-1", .conversation(id: "C-1", isWhole: true)),
            (.get, "conversation/C-1/attachment/f/download", .conversation(id: "C-1", isWhole: false)),
            (.post, "f/conversation/C-1/x", .conversation(id: "C-1", isWhole: false)),
            (.post, "conversation/gen_title/C-1", .title(id: "C-1")),
            (.post, "conversation", .turn), (.post, "f/conversation", .turn), (.post, "f/conversation/resume", .turn),
            (.post, "f/conversation/prepare", .forward), (.post, "conversation/init", .forward),
        ]
    )
    func conversations(method: HTTPMethod, path: String, expected: SeedVerdict) throws {
        #expect(try verdict(method, path) == expected)
    }

    @Test("What nobody knows is for the operator to open")
    func unknown() throws {
        #expect(try verdict(.get, "unheard-of") == .closed)
        #expect(try verdict(.get, "unheard-of", .all) == .forward)
        #expect(try verdict(.get, "models") == .forward)
        #expect(try verdict(.get, "files") == .closed)
        #expect(try verdict(.post, "files") == .forward)
    }

    private func named(_ query: String?, _ body: String, _ type: String = "application/json") -> [String]? {
        try? NamedConversations.find(query: query, body: Array(body.utf8), contentType: Array(type.utf8)[...])
    }

    @Test("Ids are found in queries and however deep in bodies, repeated ones too")
    func ids() {
        #expect(named("a=1&conversation%5fid=c-1&Conversation_ID=c-2", "") == ["c-1", "c-2"])
        #expect(
            named(nil, #"{"conversation_id":"a","x":[{"conversation_id":"b"}],"conversation_id":"c"}"#) == [
                "a", "b", "c",
            ]
        )
        #expect(named(nil, #"{"conversation\u005fid":"a"}"#) == ["a"])
        #expect(named(nil, #"{"conversation_id":null}"#) == [])
        #expect(named(nil, "--x", "multipart/form-data; boundary=x") == [])
    }

    @Test("What cannot be looked through is refused", arguments: ["{", "\u{FEFF}{}", "--x", "{}{}"])
    func unreadable(body: String) {
        #expect(named(nil, body) == nil)
        #expect(named(nil, body, "text/plain") == nil)
    }

    @Test("The list shows pages of what is not hidden")
    func list() {
        let all = (0..<3).map {
            SeedConversation(
                id: "c-\($0)",
                account: "a",
                title: $0 == 0 ? "" : "T\"\($0)",
                created: 1,
                updated: 9 - $0,
                isArchived: false,
                isTemporary: $0 == 2
            )
        }
        let text = String(decoding: SeedAnswers.list(all, query: MirrorQuery("limit=1&offset=1".utf8)), as: UTF8.self)
        #expect(
            text == #"{"items":[{"id":"c-1","title":"T\"1","create_time":1,"update_time":8,"gizmo_id":null,"#
                + #""is_archived":false}],"total":2,"limit":1,"offset":1,"has_missing_conversations":false}"#
        )
    }

    @Test("Nothing in the answer about workspaces names the account's user")
    func accounts() {
        let body =
            #"{"accounts":{"a":{"account":{"account_id":"a","account_user_id":"user-x__a","name":"Me","n":1.50}}}}"#
        let told = SeedAnswers.accounts(Array(body.utf8)).map { String(decoding: $0, as: UTF8.self) }
        #expect(
            told
                == #"{"accounts":{"a":{"account":{"account_id":"a","account_user_id":"user-chatgpt__a","name":null,"n":1.50}}}}"#
        )
        #expect(SeedAnswers.accounts(Array("<html>".utf8)) == nil)
    }

    @Test("A change of a conversation is understood")
    func edits() {
        #expect(SeedEdit(Array(#"{"is_visible":false,"title":"x"}"#.utf8)) == .removal)
        #expect(SeedEdit(Array(#"{"title":"x"}"#.utf8)) == .change(SeedChange(title: "x")))
        #expect(SeedEdit(Array(#"{"is_archived":true}"#.utf8)) == .change(SeedChange(isArchived: true)))
        #expect(SeedEdit(Array(#"{"y":1}"#.utf8)) == nil)
    }
}
