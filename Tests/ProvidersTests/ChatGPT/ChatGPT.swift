import Core
import HTTPCodec
import JSON
import OpenAIAPI

@testable import Providers

/// What the tests of this provider have in common: a site that answers everything that comes before a turn.
enum ChatGPT {
    static let facts =
        #"["x","Mon Jan 01 2024 00:00:00 GMT+0000 (UTC)",4294705152,0,"gateway/1.0","","build-test","en-US","en-US",0,"n","d","w",1.5,"00000000-0000-4000-8000-000000000000","",8,0]"#

    static func provider(_ variables: [String: String] = [:]) throws -> ChatGPTProvider {
        let usual = ["CHATGPT_BASE_URL": "http://site"]
        let settings = ProviderSettings(usual.merging(variables) { _, new in new }) { 1_800_000_000 }
        return ChatGPTProvider(try ChatGPTSettings(settings))
    }

    static func turn(
        _ text: String = "Hi",
        members: String = "",
        model: String = "gpt-4o",
        past: Turn.Past? = nil,
        messages: [WebMessage]? = nil,
        instructions: String = "",
        workspace: String? = nil
    ) throws -> Turn {
        let body =
            #"{"model":"chatgpt/\#(model)","messages":[{"role":"user","content":"x"}]\#(members)}"#
        return Turn(
            request: try ModelRequest(.chat, body: Array(body.utf8)),
            model: model,
            key: "at-test",
            account: "account-1",
            conversation: "conv-1",
            messages: messages ?? [WebMessage(role: .user, text: text)],
            instructions: instructions,
            past: past,
            now: 1_800_000_000,
            workspace: workspace
        )
    }

    /// An access token that says when it ends.
    static func token(_ name: String = "one", expires: Int = 1_900_000_000, more: String = "") -> String {
        let head = Base64.url.encode(Array(#"{"alg":"RS256"}"#.utf8))
        let body = Base64.url.encode(Array(#"{"sub":"\#(name)","exp":\#(expires)\#(more)}"#.utf8))
        return "\(head).\(body).sig"
    }

    static func desk(
        key: String = ChatGPT.token(),
        _ special: @escaping @Sendable (OutgoingRequest) -> DeskAnswer? = { _ in nil }
    ) -> ScriptedDesk {
        ScriptedDesk(key: key) { request in special(request) ?? usual(request) }
    }

    static func usual(_ request: OutgoingRequest) -> DeskAnswer {
        let puzzle = #""proofofwork":{"required":true,"seed":"0.42","difficulty":"0fffff"}"#
        if request.url.hasSuffix("/chat-requirements") {
            return json(#"{"persona":"chatgpt-paid","token":"req-1",\#(puzzle)}"#)
        }
        if request.url.hasSuffix("/chat-requirements/prepare") {
            return json(#"{"persona":"chatgpt-paid","prepare_token":"ticket-1",\#(puzzle)}"#)
        }
        if request.url.hasSuffix("/chat-requirements/finalize") {
            return json(#"{"token":"req-2","expire_after":540}"#)
        }
        if request.url.hasSuffix("/f/conversation/prepare") { return json(#"{"conduit_token":"conduit-1"}"#) }
        return json(#"{"detail":"Not Found"}"#, status: 404)
    }

    static func json(_ text: String, status: Int = 200) -> DeskAnswer {
        DeskAnswer(status: status, headers: [HTTPHeader("Content-Type", "application/json")], body: Array(text.utf8))
    }

    static func header(_ name: String, of request: OutgoingRequest) -> String? {
        request.headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    static func course(
        _ variables: [String: String] = [:],
        members: String = "",
        isPresent: Bool = false
    ) throws -> ChatGPTCourse {
        let settings = ProviderSettings(
            ["CHATGPT_BASE_URL": "http://site", "HISTORY_DISABLED": "false"].merging(variables) { _, new in new }
        ) { 1_800_000_000 }
        let read = try ChatGPTSettings(settings)
        let session = ChatGPTSession(source: "", access: token(), expires: nil, renewed: 1_800_000_000)
        let site = ChatGPTSite(read, base: "http://site", session, workspace: nil, account: "account-1")
        let ask = try ChatGPTAsk(turn(members: members), read)
        let body = ChatGPTTurnBody(settings: read, ask: ask, isPresent: isPresent)
        return ChatGPTCourse(site: site, body: body, conversation: nil, request: "r-1")
    }
}

/// What a reader made of the bodies of one turn.
struct ChatGPTRun: Equatable {
    var text = ""
    var reasoning = ""
    var files: [AnswerFile] = []
    var end: FinishReason?
    var failure: GatewayError.Code?
    var failureClass: FailureClass?
    var message: String?
    var retryAfter: Int?
    var further: [String] = []
    var furtherBodies: [String] = []
    var state: String?
    var count = 0
    /// Text after the end, which must not be.
    var late = 0

    /// The bodies are those of the turn's calls, one after the other.
    init(_ bodies: [[ArraySlice<UInt8>]], _ course: ChatGPTCourse) {
        var reader = ChatGPTReader(course)
        for (place, pieces) in bodies.enumerated() where further.count == place {
            for piece in pieces where further.count == place {
                var brought = AnswerPieces()
                unsafe piece.withUnsafeBytes { unsafe reader.receive($0, into: &brought) }
                take(brought)
            }
            if further.count == place {
                var brought = AnswerPieces()
                reader.finish(into: &brought)
                take(brought)
            }
        }
    }

    private mutating func take(_ brought: AnswerPieces) {
        count += brought.count
        if let told = brought.state { state = String(decoding: told, as: UTF8.self) }
        for piece in brought.pieces {
            if end != nil || failure != nil { late += 1 }
            switch piece {
            case .text(let said): text += said
            case .reasoning(let thought): reasoning += thought
            case .file(let file):
                files.append(file)
                text += "{\(file.title)}"
            case .end(let reason): end = reason
            case .failed(let error):
                (failure, message, retryAfter) = (error.code, error.message, error.retryAfter)
                failureClass = error.failureClass
            case .more(let request):
                further.append("\(request.method.rawValue) \(request.url)")
                furtherBodies.append(String(decoding: request.body, as: UTF8.self))
            }
        }
    }

    /// The same bodies whole, cut in two at every place, and byte by byte, all to the same effect.
    static func everyCut(
        _ bodies: String...,
        course: ChatGPTCourse,
        isThorough: Bool = true
    ) -> (ChatGPTRun, isSteady: Bool) {
        let bytes = bodies.map { Array($0.utf8) }
        let whole = ChatGPTRun(bytes.map { [$0[...]] }, course)
        let single = ChatGPTRun(bytes.map { body in body.indices.map { body[$0...$0] } }, course)
        var isSteady = single == whole
        if isThorough, let first = bytes.first {
            for place in first.indices {
                var cut = bytes.map { [$0[...]] }
                cut[0] = [first[..<place], first[place...]]
                isSteady = isSteady && ChatGPTRun(cut, course) == whole
            }
        }
        return (whole, isSteady)
    }
}
