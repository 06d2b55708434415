import Core
import HTTPCodec
import Testing

@testable import Providers

@Suite("ChatGPT's sign-on")
struct ChatGPTSignOnTests {
    private static let refreshToken = "rt_" + String(repeating: "a", count: 60)

    private static func settings() throws -> ChatGPTSettings {
        try ChatGPTSettings(
            ProviderSettings(
                ["CHATGPT_BASE_URL": "http://site", "OPENAI_AUTH_TOKEN_URL": "http://auth/oauth/token"]
            ) { 0 }
        )
    }

    private static func granted(_ name: String, next: String? = nil) -> DeskAnswer {
        let more = next.map { #","refresh_token":"\#($0)""# } ?? ""
        return ChatGPT.json(#"{"access_token":"\#(ChatGPT.token(name))","expires_in":3600\#(more)}"#)
    }

    @Test(
        "Credentials are told apart by what they look like",
        arguments: [
            ("eyJhbGciOiJSUzI1NiJ9.e30.sig", ChatGPTCredential.Kind.access("eyJhbGciOiJSUzI1NiJ9.e30.sig")),
            ("fk-anything", .access("fk-anything")),
            ("eyJhbGciOiJkaXIifQ..iv.text.tag", .cookie("eyJhbGciOiJkaXIifQ..iv.text.tag")),
            ("sess-abc", .cookie("abc")),
            ("__Secure-next-auth.session-token=abc", .cookie("abc")),
            (String(repeating: "x", count: 45), .refresh(String(repeating: "x", count: 45), client: nil)),
            (refreshToken, .refresh(refreshToken, client: nil)),
            (refreshToken + "|app_one", .refresh(refreshToken, client: "app_one")),
            ("rt_short", .other("rt_short")),
            ("a-code", .other("a-code")),
            ("", .other("")),
        ]
    )
    func kinds(text: String, kind: ChatGPTCredential.Kind) {
        #expect(ChatGPTCredential(text).kind == kind)
        #expect(ChatGPTCredential(text).workspace == nil)
        let inTeam = ChatGPTCredential(text + ",team-1")
        #expect(inTeam.kind == kind)
        #expect(inTeam.workspace == "team-1")
    }

    @Test("The pool's variable holds tokens with commas in them")
    func pool() {
        let text = "one,team-1; two\n# a remark\nthree,team-3 # another\n\n four;;"
        #expect(ChatGPTProvider.credentials(text) == ["one,team-1", "two", "three,team-3", "four"])
    }

    @Test("An access token says when it ends, and is not shown after that")
    func expiry() async throws {
        let signOn = ChatGPTSignOn(try Self.settings())
        let fresh = try await signOn.session(at: ScriptedDesk(key: ChatGPT.token(expires: 1_700_000_001)))
        #expect(fresh.access == ChatGPT.token(expires: 1_700_000_001))
        let error = await #expect(throws: GatewayError.self) {
            try await signOn.session(at: ScriptedDesk(key: ChatGPT.token(expires: 1_700_000_000)))
        }
        #expect(error?.failureClass == .credentialsRefused)
        // A token that says nothing may still be good.
        #expect(try await signOn.session(at: ScriptedDesk(key: "fk-one")).access == "fk-one")
    }

    @Test(
        "Claims are read from tokens, and from nothing else",
        arguments: ["", "a.b", "a.b.c", "e30.e30", "..", "a.W10.c"]
    )
    func noClaims(text: String) {
        #expect(AccessTokenClaims(text) == nil)
    }

    @Test("Claims name the account and its plan")
    func claims() {
        let more =
            #","https://api.openai.com/auth":{"chatgpt_account_id":"acc","chatgpt_user_id":"user","chatgpt_plan_type":"plus"},"https://api.openai.com/profile":{"email":"a@example.org"}"#
        let claims = AccessTokenClaims(ChatGPT.token(expires: 42, more: more))
        #expect(claims?.expires == 42)
        #expect(claims?.account == "acc")
        #expect(claims?.plan == "plus")
        #expect(claims?.email == "a@example.org")
    }

    @Test("What an exchange brought is written down before it is used, and the successor is exchanged next")
    func rotation() async throws {
        let signOn = ChatGPTSignOn(try Self.settings())
        let desk = ScriptedDesk(key: Self.refreshToken) { request in
            let body = String(decoding: request.body, as: UTF8.self)
            return body.contains("rt_next")
                ? Self.granted("two", next: "rt_last") : Self.granted("one", next: "rt_next")
        }
        let first = try await signOn.session(at: desk)
        #expect(first.access == ChatGPT.token("one"))
        #expect(desk.diary == ["POST http://auth/oauth/token", "remember session", "release refresh"])
        // Nobody asks again while it is good.
        #expect(try await signOn.session(at: desk) == first)
        #expect(desk.requests.count == 1)
        let second = try await signOn.session(at: desk, refused: first.access)
        #expect(second.access == ChatGPT.token("two"))
        #expect(desk.requests.count == 2)
        #expect(String(decoding: desk.requests[1].body, as: UTF8.self).contains(#""refresh_token":"rt_next""#))
        #expect((desk.lifetimes["session"] ?? 0) > 30 * 86_400)
        // A forced one asks whatever the state is, unless somebody has just done so.
        #expect(try await signOn.session(at: desk, force: true) == second)
        let later = ScriptedDesk(key: Self.refreshToken, now: desk.now + 60) { _ in Self.granted("three") }
        later.facts = desk.facts
        #expect(try await signOn.session(at: later, force: true).access == ChatGPT.token("three"))
        #expect(String(decoding: later.requests[0].body, as: UTF8.self).contains(#""refresh_token":"rt_last""#))
    }

    @Test("While one worker exchanges, the others wait for what it gets")
    func single() async throws {
        let signOn = ChatGPTSignOn(try Self.settings())
        let won = ScriptedDesk(key: Self.refreshToken) { _ in Self.granted("one") }
        _ = try await signOn.session(at: won)
        let session = won.facts["session"]
        let desk = ScriptedDesk(
            key: Self.refreshToken,
            onPause: { desk, number in if number == 3 { desk.facts = ["session": session ?? ""] } }
        )
        desk.claims = ["refresh"]
        #expect(try await signOn.session(at: desk).access == ChatGPT.token("one"))
        #expect(desk.requests.isEmpty)
        #expect(desk.pauses == 3)
    }

    @Test("What was made of another credential is not used")
    func replaced() async throws {
        let signOn = ChatGPTSignOn(try Self.settings())
        let old = ScriptedDesk(key: Self.refreshToken) { _ in Self.granted("one", next: "rt_next") }
        _ = try await signOn.session(at: old)
        let desk = ScriptedDesk(key: Self.refreshToken + "b") { _ in Self.granted("two") }
        desk.facts = old.facts
        #expect(try await signOn.session(at: desk).access == ChatGPT.token("two"))
        #expect(String(decoding: desk.requests[0].body, as: UTF8.self).contains(Self.refreshToken + "b"))
    }

    @Test(
        "Only what is said to be dead is dead",
        arguments: [
            (400, #"{"error":"invalid_grant"}"#, FailureClass.credentialsRefused),
            (403, #"{"error":"access_denied"}"#, .credentialsRefused),
            (401, #"{"error":{"code":"refresh_token_expired","message":"x"}}"#, .credentialsRefused),
            (401, #"{"error":"invalid_client"}"#, .failing),
            (400, #"{"error":"invalid_request"}"#, .failing),
            (403, "<html>Just a moment...</html>", .egressBlocked),
            (429, #"{"error":"too_many_requests"}"#, .rateLimited),
            (500, #"{"error":"server_error"}"#, .failing),
            (500, #"{"error":"invalid_grant"}"#, .failing),
        ]
    )
    func deaths(status: Int, body: String, failureClass: FailureClass) async throws {
        let signOn = ChatGPTSignOn(try Self.settings())
        let desk = ScriptedDesk(key: Self.refreshToken) { _ in ChatGPT.json(body, status: status) }
        let error = await #expect(throws: GatewayError.self) { try await signOn.session(at: desk) }
        #expect(error?.failureClass == failureClass)
        #expect(error?.source == .upstream)
        #expect(error?.retry == .elsewhere)
        // The right to try again is given back, and nothing is known.
        #expect(desk.claims.isEmpty)
        #expect(desk.facts["session"] == nil)
    }

    @Test("The words of a pool entry reach the exchange")
    func client() async throws {
        let signOn = ChatGPTSignOn(try Self.settings())
        let desk = ScriptedDesk(key: Self.refreshToken + "|app_one,team-1") { _ in Self.granted("one") }
        _ = try await signOn.session(at: desk)
        let body = String(decoding: desk.requests[0].body, as: UTF8.self)
        #expect(body.contains(#""client_id":"app_one""#))
        #expect(body.contains(#""refresh_token":"\#(Self.refreshToken)""#))
    }

    @Test("Long cookies go in parts, and a new one is kept", arguments: [20, 9000])
    func cookies(length: Int) async throws {
        let signOn = ChatGPTSignOn(try Self.settings())
        let value = String(repeating: "c", count: length)
        let name = "__Secure-next-auth.session-token"
        let desk = ScriptedDesk(key: "sess-" + value) { _ in
            DeskAnswer(
                status: 200,
                headers: [
                    HTTPHeader("Set-Cookie", "other=1"), HTTPHeader("set-cookie", "\(name).1=ond; Path=/"),
                    HTTPHeader("set-cookie", "\(name).0=sec; Path=/"),
                ],
                body: Array(#"{"accessToken":"\#(ChatGPT.token("one"))","account":{"id":"acc"}}"#.utf8)
            )
        }
        let first = try await signOn.session(at: desk)
        let shown = ChatGPT.header("Cookie", of: desk.requests[0]) ?? ""
        #expect(shown.hasPrefix(length > 4000 ? "\(name).0=ccc" : "\(name)=ccc"))
        #expect(shown.filter { $0 == "c" }.count >= length)
        _ = try await signOn.session(at: desk, refused: first.access)
        #expect(ChatGPT.header("Cookie", of: desk.requests[1]) == "\(name)=second")
    }

    @Test("A cookie of somebody who has logged out is refused")
    func loggedOut() async throws {
        let signOn = ChatGPTSignOn(try Self.settings())
        let desk = ScriptedDesk(key: "sess-abc") { _ in ChatGPT.json("{}") }
        let error = await #expect(throws: GatewayError.self) { try await signOn.session(at: desk) }
        #expect(error?.failureClass == .credentialsRefused)
    }

    @Test("Nothing that a client or a log sees holds a token")
    func silence() async throws {
        let signOn = ChatGPTSignOn(try Self.settings())
        let desk = ScriptedDesk(key: Self.refreshToken) { _ in
            ChatGPT.json(#"{"error":"invalid_grant","error_description":"\#(Self.refreshToken) is dead"}"#, status: 400)
        }
        let error = await #expect(throws: GatewayError.self) { try await signOn.session(at: desk) }
        #expect(error?.message.contains("rt_") == false)
        #expect(error?.cause?.contains("rt_") == false)
    }
}
