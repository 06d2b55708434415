import Core
import HTTPCodec
import Testing
import Upstream

@testable import Gateway

@Suite("What passes through the mirror")
struct MirrorWireTests {
    private func head(_ lines: String) throws -> RequestHead {
        var parser = RequestParser()
        parser.receive(Array("GET /backend-api/me HTTP/1.1\r\nHost: a\r\n\(lines)\r\n".utf8).span)
        guard case .head(let head)? = try parser.next() else { throw GatewayError(.internalError, "no head") }
        return head
    }

    @Test("Only known header lines go on, and one cookie")
    func headers() throws {
        let head = try head(
            "Accept: x\r\nX-Forwarded-For: 1\r\nCookie: oai-flow-token=t; conv_key=k\r\nAuthorization: Bearer t\r\n"
                + "OAI-Device-Id: d\r\nUser-Agent: u\r\nReferer: r\r\nConnection: keep-alive\r\n"
        )
        let expected = [
            HTTPHeader("Accept", "x"), HTTPHeader("OAI-Device-Id", "d"), HTTPHeader("Cookie", "conv_key=k"),
        ]
        #expect(PassedHeaders.of(head) == expected)
    }

    @Test("Tokens are found where they may stand")
    func tokens() throws {
        #expect(try MirrorToken(head("Authorization: Bearer a\r\nCookie: oai-flow-token=b\r\n"))?.text == "a")
        #expect(try MirrorToken(head("X-Authorization: bearer a,b\r\n"))?.text == "a,b")
        let cookie = try MirrorToken(head("Cookie: x=1; oai-flow-token=%C3%A4%2C1\r\n"))
        #expect(cookie?.text == "ä,1" && cookie?.isFromCookie == true && cookie?.cookieValue == "%C3%A4%2C1")
        for lines in [
            "", "Authorization: Basic x\r\n", "Cookie: oai-flow-token=\r\n", "Cookie: oai-flow-token=%0a\r\n",
        ] {
            #expect(try MirrorToken(head(lines)) == nil)
        }
    }

    private func rewritten(_ pieces: [String]) -> String {
        var rewriter = HostRewriter(origins: ["https://chatgpt.com", "http://127.0.0.1:80"], own: "http://me")
        var output = ByteBuffer()
        for piece in pieces { unsafe Array(piece.utf8).withUnsafeBytes { unsafe rewriter.rewrite($0, into: &output) } }
        rewriter.finish(into: &output)
        return output.readable.text
    }

    @Test("Addresses are found wherever the text was cut")
    func hosts() {
        let text =
            "hhttps://chatgpt.com/c https://chatgpt.com.evil/ https://chatgpt.com:1 http://127.0.0.1:80? https://chatgpt.com"
        let expected = "hhttp://me/c https://chatgpt.com.evil/ https://chatgpt.com:1 http://me? http://me"
        #expect(rewritten([text]) == expected)
        #expect(rewritten(text.map { String($0) }) == expected)
        for cut in text.indices { #expect(rewritten([String(text[..<cut]), String(text[cut...])]) == expected) }
    }

    private func answer(_ status: Int, _ headers: [(name: String, value: String)]) -> PassedAnswer {
        PassedAnswer(
            UpstreamHead(status: status, headers: headers),
            origins: ["https://chatgpt.com"],
            own: "http://me",
            isSecure: true
        )
    }

    private func value(_ name: String, _ answer: PassedAnswer) -> String? {
        answer.headers.first { $0.name == name }?.value
    }

    @Test("Little of an answer's head stays")
    func answers() {
        let events = answer(
            200,
            [
                ("content-type", "text/event-stream"), ("set-cookie", "a=b"), ("set-cookie", "conv_key=k; Domain=x"),
                ("transfer-encoding", "chunked"), ("server", "x"),
            ]
        )
        #expect(events.form == .events)
        #expect(value("Set-Cookie", events) == "conv_key=k; Path=/; HttpOnly; SameSite=Lax; Secure")
        #expect(events.headers.count == 4)
        let media = answer(200, [("content-type", "image/png"), ("content-disposition", "attachment; filename=a")])
        #expect(media.form == .bytes && value("Content-Disposition", media) == "inline; filename=a")
        let page = answer(200, [("content-type", "text/html"), ("content-disposition", "attachment")])
        #expect(page.form == .text && value("Content-Disposition", page) == "attachment")
        #expect(value("Content-Security-Policy", page)?.hasPrefix("sandbox;") == true)
        #expect(answer(204, []).form == .none && answer(304, []).form == .none)
        #expect(answer(99, []).status == 502 && answer(600, []).status == 502)
    }

    @Test(
        "Redirects stay here or go where they went",
        arguments: [
            ("https://chatgpt.com/a", "http://me/a"), ("/a", "/a"),
            ("https://chatgpt.com.evil/a", "https://chatgpt.com.evil/a"),
            ("https://elsewhere/?u=https://chatgpt.com/", "https://elsewhere/?u=https://chatgpt.com/"),
        ]
    )
    func redirects(sent: String, told: String) {
        let redirect = answer(302, [("location", sent)])
        #expect(redirect.status == 307 && value("Location", redirect) == told)
    }
}

@Suite("Looking on while a turn passes")
struct ConversationObserverTests {
    private func found(_ text: String, cut: Int? = nil) -> (String?, String?) {
        var observer = ConversationObserver()
        var result: (String?, String?)
        let bytes = Array(text.utf8)
        let pieces = cut.map { [Array(bytes[..<$0]), Array(bytes[$0...])] } ?? bytes.map { [$0] }
        for piece in pieces {
            let findings = unsafe piece.withUnsafeBytes { unsafe observer.look(at: $0) }
            result.0 = result.0 ?? findings.conversation
            result.1 = result.1 ?? findings.title
        }
        return result
    }

    private func event(_ json: String) -> String { "data: \(json)\n\n" }

    @Test("Both encodings tell the conversation and its title")
    func encodings() {
        let legacy = event(#"{"message":{"id":"m"},"conversation_id":"c-1","error":null}"#)
        let delta = "event: delta\n" + event(#"{"p":"","o":"add","v":{"message":{},"conversation_id":"c-1"},"c":0}"#)
        let control = event(#"{"type":"resume_conversation_token","conversation_id":"c-1"}"#)
        let title = event(#"{"type":"title_generation","title":"T","conversation_id":"c-1"}"#)
        for text in [legacy + title, delta + title, control + title, legacy + event(#"{"title":"T"}"#)] {
            #expect(found(text) == ("c-1", "T"))
            for cut in stride(from: 0, to: text.utf8.count, by: 7) { #expect(found(text, cut: cut) == ("c-1", "T")) }
        }
    }

    @Test(
        "What a visitor has sent is not believed when it comes back",
        arguments: [
            #"{"message":{"metadata":{"conversation_id":"other"}}}"#,
            #"{"p":"/message/metadata","o":"append","v":{"message":{},"conversation_id":"other"}}"#,
            #"{"p":"","o":"patch","v":{"message":{},"conversation_id":"other"}}"#,
            #"{"v":{"conversation_id":"other"}}"#, #"{"v":[{"message":{},"conversation_id":"other"}]}"#,
            #"{"x":{"conversation_id":"other"}}"#, #"{"conversation_id":""}"#, #"{"conversation_id":7}"#, "[1]", "{",
        ]
    )
    func echoes(json: String) {
        let (conversation, _) = found(event(json) + event(#"{"message":{},"conversation_id":"c-1"}"#))
        #expect(conversation == "c-1")
    }

    @Test("A title of another conversation is left alone, and so is one in a message")
    func titles() {
        let first = event(#"{"message":{},"conversation_id":"c-1"}"#)
        #expect(found(first + event(#"{"title":"T","conversation_id":"c-2"}"#)) == ("c-1", nil))
        #expect(found(first + event(#"{"message":{},"title":"T"}"#)) == ("c-1", nil))
    }

    @Test("An event without end is not kept")
    func endless() {
        var observer = ConversationObserver()
        let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        for _ in 0..<3 { #expect(unsafe piece.withUnsafeBytes { unsafe observer.look(at: $0) }.isEmpty) }
        let late = Array(event(#"{"message":{},"conversation_id":"c-1"}"#).utf8)
        #expect(unsafe late.withUnsafeBytes { unsafe observer.look(at: $0) }.isEmpty)
    }
}
