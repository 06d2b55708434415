import Core
import HTTPCodec
import JSON
import OpenAIAPI
import Providers
import Testing

@Suite("Grok's turns")
struct GrokOpeningTests {
    private static func user(_ text: String, _ files: [WebFile] = []) -> WebMessage {
        WebMessage(role: .user, text: text, files: files)
    }

    private static let history = [
        user("one"), WebMessage(role: .assistant, text: "1"), user("two"), user("three"),
    ]

    private func json(_ request: OutgoingRequest) throws -> JSONValue { try JSONDocument(parsing: request.body).root }

    /// The owner's desk is another one's.
    private func desk(
        owner: String? = "owner-token",
        _ answer: @escaping @Sendable (OutgoingRequest) throws(GatewayError) -> DeskAnswer
    ) -> ForeignDesk {
        ForeignDesk(ScriptedDesk(account: "account-2", key: "token-2", answer: answer), owner: owner)
    }

    @Test("A new conversation on the wire of models and modes")
    func modelMode() async throws {
        let desk = ScriptedDesk()
        let opened = try await grok().open(grokTurn(instructions: "Be brief", model: "grok-expert"), at: desk)
        let request = opened.request
        #expect(request.url == "http://grok/rest/app-chat/conversations/new" && request.method == .post)
        #expect(opened.passage == .new)
        let body = try json(request)
        #expect(body["message"]?.string == "Be brief\n\nHello")
        #expect(body["modelName"]?.string == "grok-420" && body["modelMode"]?.string == "MODEL_MODE_EXPERT")
        #expect(body["temporary"]?.bool == true && body["disableMemory"]?.bool == true)
        #expect(body["enableSideBySide"]?.bool == false && body["sendFinalMetadata"]?.bool == true)
        #expect(body["responseMetadata"]?["is_think_harder"]?.bool == true)
        #expect(body["parentResponseId"] == nil && body["modeId"] == nil)
        #expect(header("cookie", of: request) == "sso=token-1; sso-rw=token-1")
        #expect(header("origin", of: request) == "http://grok" && header("referer", of: request) == "http://grok/")
        #expect(header("x-statsig-id", of: request) == nil)
        #expect(desk.requests.isEmpty)
    }

    @Test("A new conversation on the wire of mode ids")
    func modeID() async throws {
        let request = try await grok(["GROK_WIRE": "rest-modeid"])
            .open(grokTurn(model: "grok-4.2-fast"), at: ScriptedDesk()).request
        let body = try json(request)
        #expect(body["modeId"]?.string == "fast" && body["modelName"] == nil && body["modelMode"] == nil)
        #expect(body["toolOverrides"]?["gmailSearch"]?.bool == false && body["deviceEnvInfo"]?.isObject == true)
        #expect(body["isReasoning"] == nil && body["webpageUrls"] == nil)
    }

    @Test("Each call has an id of its own, a UUID of version 4")
    func requestIDs() async throws {
        let desk = ScriptedDesk()
        let one = try await grok().open(grokTurn(), at: desk).request
        let two = try await grok().open(grokTurn(), at: desk).request
        let id = try #require(header("x-xai-request-id", of: one))
        #expect(id.count == 36 && Array(id)[14] == "4" && "89ab".contains(Array(id)[19]))
        #expect(header("x-xai-request-id", of: two) != id)
    }

    @Test("What the operator adds goes along, and in place of ours")
    func extras() async throws {
        let provider = try grok([
            "GROK_EXTRA_HEADERS": #"{"x-statsig-id":"opaque","user-agent":"Own/1"}"#,
            "GROK_EXTRA_COOKIES": "cf_clearance=c1; sso=not-this",
            "GROK_TEMPORARY": "no",
        ])
        let request = try await provider.open(grokTurn(), at: ScriptedDesk()).request
        #expect(header("x-statsig-id", of: request) == "opaque" && header("user-agent", of: request) == "Own/1")
        #expect(request.headers.filter { $0.name.lowercased() == "user-agent" }.count == 1)
        #expect(header("cookie", of: request) == "sso=token-1; sso-rw=token-1; cf_clearance=c1")
        #expect(try json(request)["temporary"]?.bool == false)
    }

    @Test("A credential of the caller's own goes to the letter, with nothing beside it")
    func ownKey() async throws {
        let provider = try grok(["GROK_EXTRA_COOKIES": "cf_clearance=c1"])
        let cookie = "theme=dark; sso=mine; sso-rw=mine; note=a,b"
        let own = try grokTurn(key: cookie, isOwnKey: true)
        #expect(header("cookie", of: try await provider.open(own, at: ScriptedDesk()).request) == cookie)
        let bare = try grokTurn(key: "mine", isOwnKey: true)
        #expect(
            header("cookie", of: try await provider.open(bare, at: ScriptedDesk()).request) == "sso=mine; sso-rw=mine"
        )
        let bad = try grokTurn(key: "sso=mine\r\nX-Evil: 1", isOwnKey: true)
        await #expect(throws: GatewayError.self) { try await provider.open(bad, at: ScriptedDesk()) }
    }

    @Test("A history that is told is labelled, and what is empty is left out")
    func labels() async throws {
        let turn = try grokTurn(Self.history + [Self.user("")], instructions: "Be brief")
        let request = try await grok().open(turn, at: ScriptedDesk()).request
        #expect(
            try json(request)["message"]?.string
                == "[System]\nBe brief\n\n[User]\none\n\n[Assistant]\n1\n\n[User]\ntwo\n\n[User]\nthree"
        )
    }

    @Test("At home only what is new is said")
    func continued() async throws {
        let past = Turn.Past(state: grokPlace, account: "account-1")
        let opened = try await grok().open(
            grokTurn(Self.history, instructions: "Be brief", past: past),
            at: ScriptedDesk()
        )
        #expect(opened.passage == .continued)
        #expect(opened.request.url == "http://grok/rest/app-chat/conversations/C1/responses")
        #expect(header("referer", of: opened.request) == "http://grok/c/C1")
        let body = try json(opened.request)
        #expect(body["message"]?.string == "two\n\nthree" && body["parentResponseId"]?.string == "R1")
        #expect(body["skipCancelCurrentInflightRequests"]?.bool == false)
    }

    @Test("New instructions are said again; a branch ends no other turn")
    func branch() async throws {
        let past = Turn.Past(state: grokPlace, account: "account-1", isBranch: true, hasNewInstructions: true)
        let turn = try grokTurn(instructions: "Be long", past: past)
        let body = try json(try await grok(["GROK_WIRE": "rest-modeid"]).open(turn, at: ScriptedDesk()).request)
        #expect(body["message"]?.string == "Be long\n\nHello")
        #expect(body["skipCancelCurrentInflightRequests"]?.bool == true)
        #expect(body["temporary"] == nil && body["responseMetadata"] == nil)
        #expect(body["metadata"]?["request_metadata"]?.isObject == true)
    }

    // MARK: Another account

    private static let away = Turn.Past(state: grokPlace, account: "account-1")
    private static let link = #"{"shareLinkId":"c2hhcmQtMg_0e7b"}"#
    private static let copy =
        #"{"conversation":{"conversationId":"C9"},"responses":[{"responseId":"u9","sender":"human","message":"one"},{"responseId":"a9","sender":"ASSISTANT","message":"1","parentResponseId":"u9"},{"responseId":"u10","sender":"HUMAN","message":"x"}]}"#

    @Test("The owner shares, the other clones and goes on, and the link is gone")
    func cloned() async throws {
        let desk = desk { request in
            if request.url.hasSuffix("/share") { return DeskAnswer(status: 200, body: Array(Self.link.utf8)) }
            if request.url.hasSuffix("/clone") { return DeskAnswer(status: 200, body: Array(Self.copy.utf8)) }
            return DeskAnswer(status: 200, body: Array("{}".utf8))
        }
        let turn = try grokTurn(past: Self.away, key: "token-2", account: "account-2")
        let opened = try await grok().open(turn, at: desk)
        #expect(opened.passage == .cloned)
        #expect(opened.request.url == "http://grok/rest/app-chat/conversations/C9/responses")
        #expect(try json(opened.request)["parentResponseId"]?.string == "a9")
        #expect(header("cookie", of: opened.request) == "sso=token-2; sso-rw=token-2")
        let chat = "http://grok/rest/app-chat"
        #expect(
            desk.inner.requests.map { "\($0.method.rawValue) \($0.url)" } == [
                "POST \(chat)/conversations/C1/share", "POST \(chat)/share_links/c2hhcmQtMg_0e7b/clone",
                "DELETE \(chat)/share_links/c2hhcmQtMg_0e7b",
            ]
        )
        #expect(
            desk.inner.requests.map { header("cookie", of: $0) } == [
                "sso=owner-token; sso-rw=owner-token", "sso=token-2; sso-rw=token-2",
                "sso=owner-token; sso-rw=owner-token",
            ]
        )
        #expect(body(of: desk.inner.requests[0]) == #"{"responseId":"R1","allowIndexing":false}"#)
    }

    @Test("What cannot be cloned is told anew, from the client's history")
    func replayed() async throws {
        for status in [404, 400, 500] {
            let desk = desk { request in
                if request.url.hasSuffix("/share") { return DeskAnswer(status: 200, body: Array(Self.link.utf8)) }
                return DeskAnswer(status: request.method == .delete ? 200 : status)
            }
            let opened = try await grok().open(grokTurn(Self.history, past: Self.away, account: "account-2"), at: desk)
            #expect(opened.passage == .replayed && opened.request.url.hasSuffix("/conversations/new"))
            #expect(desk.inner.requests.last?.method == .delete && desk.inner.requests.count == 3)
            #expect(try json(opened.request)["message"]?.string?.hasPrefix("[User]\none") == true)
        }
    }

    @Test("Where the client has sent none, the history is read by the link")
    func read() async throws {
        let desk = desk { request in
            if request.url.hasSuffix("/share") { return DeskAnswer(status: 200, body: Array(Self.link.utf8)) }
            if request.url.hasSuffix("/clone") { return DeskAnswer(status: 404) }
            return DeskAnswer(status: 200, body: Array(Self.copy.utf8))
        }
        let opened = try await grok().open(grokTurn(past: Self.away, account: "account-2"), at: desk)
        #expect(opened.passage == .replayed)
        #expect(
            try json(opened.request)["message"]?.string
                == "[User]\none\n\n[Assistant]\n1\n\n[User]\nx\n\n[User]\nHello"
        )
    }

    @Test("Without owner, link and history it cannot go on")
    func unavailable() async throws {
        let turn = try grokTurn(past: Self.away, account: "account-2")
        for desk in [desk(owner: nil) { _ in DeskAnswer(status: 200) }, desk { _ in DeskAnswer(status: 403) }] {
            let error = await thrown { try await grok().open(turn, at: desk) }
            #expect(error?.code == .conversationUnavailable && error?.status == 409)
        }
        let torn = try grokTurn(past: Turn.Past(state: Array("{".utf8), account: "account-1"))
        #expect(await thrown { try await grok().open(torn, at: ScriptedDesk()) }?.code == .conversationUnavailable)
    }

    @Test("An account that cannot clone for reasons of its own is left, and the link is gone all the same")
    func cloneRefused() async throws {
        let desk = desk { request in
            if request.url.hasSuffix("/share") { return DeskAnswer(status: 200, body: Array(Self.link.utf8)) }
            return DeskAnswer(status: request.method == .delete ? 200 : 429)
        }
        let turn = try grokTurn(Self.history, past: Self.away, account: "account-2")
        let error = await thrown { try await grok().open(turn, at: desk) }
        #expect(error?.failureClass == .rateLimited && desk.inner.requests.last?.method == .delete)
    }

    // MARK: After a failure

    @Test("A conversation that is no more is told anew, once")
    func gone() async throws {
        let provider = try grok()
        let past = Turn.Past(state: grokPlace, account: "account-1")
        let error = provider.failure(
            FailedAnswer(status: 404, body: Array(#"{"code":5,"message":"x not found"}"#.utf8))
        )
        let turn = try grokTurn(Self.history, past: past)
        let opened = try await provider.open(turn, at: ScriptedDesk())
        let again = try #require(try await provider.reopen(turn, opened, after: error, at: ScriptedDesk()))
        #expect(again.passage == .replayed && again.request.url.hasSuffix("/conversations/new"))
        #expect(try await provider.reopen(turn, again, after: error, at: ScriptedDesk()) == nil)
        #expect(try await provider.reopen(grokTurn(past: past), opened, after: error, at: ScriptedDesk()) == nil)
    }

    @Test("How long a limit holds is asked for")
    func limit() async throws {
        let provider = try grok()
        let turn = try grokTurn()
        let desk = scripted { _ in
            DeskAnswer(
                status: 200,
                body: Array(#"{"remainingQueries":0,"totalQueries":80,"waitTimeSeconds":321}"#.utf8)
            )
        }
        #expect(await provider.rest(turn, at: desk) == 321)
        #expect(desk.requests.map(\.url) == ["http://grok/rest/rate-limits"])
        #expect(body(of: desk.requests[0]) == #"{"requestKind":"DEFAULT","modelName":"grok-420"}"#)
        // There is some left: it was merely too fast.
        let free = scripted { _ in
            DeskAnswer(status: 200, body: Array(#"{"remainingQueries":3,"waitTimeSeconds":9}"#.utf8))
        }
        #expect(await provider.rest(turn, at: free) == nil)
        #expect(await provider.rest(turn, at: scripted { _ in DeskAnswer(status: 500) }) == nil)
    }

    // MARK: Files

    private static func file(_ content: [UInt8], _ name: String = "file", _ type: String = "image/png") -> WebFile {
        WebFile(name: name, mediaType: type, content: content, path: "messages[0].content[1].image_url.url")
    }

    @Test("Files are brought along by the same account, each content once")
    func uploads() async throws {
        let desk = scripted { request in
            let id = String(decoding: request.body, as: UTF8.self).contains("AQI=") ? "f1" : "f2"
            return DeskAnswer(status: 200, body: Array(#"{"fileMetadataId":"\#(id)"}"#.utf8))
        }
        let files = [Self.file([1, 2]), Self.file([3], "notes", "text/plain"), Self.file([1, 2])]
        let request = try await grok().open(grokTurn([Self.user("see", files)]), at: desk).request
        #expect(try json(request)["fileAttachments"]?.elements.compactMap(\.string) == ["f1", "f2", "f1"])
        #expect(desk.requests.map(\.url) == Array(repeating: "http://grok/rest/app-chat/upload-file", count: 2))
        #expect(body(of: desk.requests[0]) == #"{"fileName":"image.png","fileMimeType":"image/png","content":"AQI="}"#)
        #expect(body(of: desk.requests[1]).contains(#""fileName":"notes.txt""#))
        #expect(header("cookie", of: desk.requests[0]) == header("cookie", of: request))
    }

    @Test(
        "Too many, too large, refused",
        arguments: [(9, 1, 200), (3, 23 << 20, 200), (1, 3 << 20, 403), (1, 1, 413), (1, 1, 400)]
    )
    func refusedFiles(count: Int, size: Int, status: Int) async throws {
        let desk = scripted { _ in DeskAnswer(status: status, body: Array(#"{"code":7,"message":"no"}"#.utf8)) }
        let files = (0..<count).map { Self.file([UInt8(truncatingIfNeeded: $0)] + Array(repeating: 7, count: size)) }
        let turn = try grokTurn([Self.user("see", files)])
        let error = await thrown { try await grok().open(turn, at: desk) }
        #expect(error?.code == .invalidFile && error?.status == 400 && error?.failureClass == FailureClass.none)
        #expect(error?.parameter == "messages[0].content[1].image_url.url")
    }

    @Test("A small file that is forbidden is the account's affair")
    func forbiddenUpload() async throws {
        let desk = scripted { _ in DeskAnswer(status: 429, body: []) }
        let turn = try grokTurn([Self.user("see", [Self.file([1])])])
        #expect(await thrown { try await grok().open(turn, at: desk) }?.failureClass == .rateLimited)
    }

    @Test("Files of an answer are fetched from their place with the account's cookies, and from no other")
    func assets() async throws {
        let provider = try grok(["GROK_EXTRA_HEADERS": #"{"x-statsig-id":"opaque"}"#])
        let desk = ScriptedDesk()
        let request = try await provider.fileRequest("http://assets/users/u/image.jpg", at: desk)
        #expect(header("cookie", of: request) == "sso=token-1; sso-rw=token-1" && request.method == .get)
        #expect(header("x-statsig-id", of: request) == nil)
        let open = try await provider.fileRequest("https://imagine-public.x.ai/p.jpg", at: desk)
        #expect(header("cookie", of: open) == nil)
        for url in [
            "http://assets.evil.example/x", "http://assets@evil.example/x", "http://assets", "http://grok/rest/x",
            "https://example.org/x", "http://assets/a b", "http://assets/\r\nX: y",
        ] {
            #expect(await thrown { try await provider.fileRequest(url, at: desk) }?.code == .notFound)
        }
    }
}

/// A desk that knows the credential of one further account.
struct ForeignDesk: Desk {
    let inner: ScriptedDesk
    let owner: String?

    init(_ inner: ScriptedDesk, owner: String?) {
        self.inner = inner
        self.owner = owner
    }

    var account: String { inner.account }
    var key: String { inner.key }
    var now: Int { inner.now }

    func ask(_ request: OutgoingRequest) async throws(GatewayError) -> DeskAnswer { try await inner.ask(request) }
    func claimNonce(for device: String) async throws(GatewayError) -> String { try await inner.claimNonce(for: device) }
    func random(_ count: Int) throws(GatewayError) -> [UInt8] { try inner.random(count) }
    func key(of account: String) async -> String? { account == "account-1" ? owner : nil }
    func recall(_ name: String) async throws(GatewayError) -> [UInt8]? { try await inner.recall(name) }
    func remember(_ name: String, _ value: [UInt8], for seconds: Int) async throws(GatewayError) {
        try await inner.remember(name, value, for: seconds)
    }
    func forget(_ name: String) async throws(GatewayError) { try await inner.forget(name) }
    func claim(_ name: String, for seconds: Int) async throws(GatewayError) -> Bool {
        try await inner.claim(name, for: seconds)
    }
    func release(_ name: String) async { await inner.release(name) }
    func pause(milliseconds: Int) async throws(GatewayError) { try await inner.pause(milliseconds: milliseconds) }
}

/// What is refused, and how.
func thrown<Result>(_ body: () async throws -> Result) async -> GatewayError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? GatewayError
    }
}
