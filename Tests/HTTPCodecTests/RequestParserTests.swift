import Core
import HTTPCodec
import Testing

@Suite struct RequestParserTests {
    private let get =
        "GET /v1/models?limit=2 HTTP/1.1\r\nHost: a.example:80\r\nX-Empty:\r\nX-Text:\t h\u{E9} llo \r\n\r\n"

    @Test("A request without a body is a head and an empty body")
    func plainRequest() {
        let decoded = decode(get)
        #expect(decoded.error == nil)
        #expect(decoded.stage == .idle)
        #expect(decoded.unread == 0)
        #expect(decoded.requests.count == 1)
        let request = decoded.requests.first
        #expect(request?.method == .get)
        #expect(request?.target.text == "/v1/models?limit=2")
        #expect(request?.path.text == "/v1/models")
        #expect(request?.query?.text == "limit=2")
        #expect(request?.minorVersion == 1)
        #expect(request?.framing == RequestHead.Framing.none)
        #expect(request?.headers.map(\.text) == ["Host", "a.example:80", "X-Empty", "", "X-Text", "h\u{E9} llo"])
        #expect(request?.keepsAlive == true)
        #expect(request?.body == [])
    }

    @Test("A counted body comes whole", arguments: ["", "x", "{\"a\":1}\r\n\r\nGET"])
    func countedBody(_ body: String) {
        let decoded = decode("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        #expect(decoded.error == nil)
        #expect(decoded.requests.map { $0.body?.text } == [body])
        #expect(decoded.stage == .idle)
    }

    @Test("A chunked body is put together, extensions and trailers are passed over")
    func chunkedBody() {
        let decoded = decode(
            "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
                + "5;name=value;q=\"a b\"\r\nhello\r\n00001\r\n,\r\n0A\r\n0123456789\r\n0\r\nX-Sum: 1\r\nX-More:\r\n\r\n"
        )
        #expect(decoded.error == nil)
        #expect(decoded.requests.map { $0.body?.text } == ["hello,0123456789"])
        #expect(decoded.requests.first?.framing == .chunked)
        #expect(decoded.stage == .idle)
    }

    @Test("Pipelined requests come out in order, each when it is asked for")
    func pipelining() throws {
        let text =
            "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none" + "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
            + "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nthree\r\n0\r\n\r\n"
            + "GET /4 HTTP/1.1\r\nHost: a\r\n"
        let decoded = decode(text)
        #expect(decoded.error == nil)
        #expect(decoded.requests.map(\.path.text) == ["/1", "/2", "/3"])
        #expect(decoded.requests.map { $0.body?.text } == ["one", "", "three"])
        #expect(decoded.stage == .head)
        #expect(decoded.unread == 26)

        var parser = RequestParser()
        parser.receive(Array(text.utf8).span)
        _ = try parser.next()
        #expect(parser.stage == .body)
        _ = try parser.next()
        #expect(parser.stage == .head)
        #expect(parser.bufferedBytes == text.utf8.count - 51)
    }

    @Test("What can be told of a request before it is complete")
    func stages() throws {
        var parser = RequestParser()
        #expect(parser.isIdle)
        parser.receive(Array("POST / HTTP/1.1\r\n".utf8).span)
        #expect(try parser.next() == nil)
        #expect(parser.stage == .head)
        parser.receive(Array("Host: a\r\nContent-Length: 4\r\nExpect: 100-Continue\r\n\r\n".utf8).span)
        guard case .head(let head) = try parser.next() else {
            Issue.record("no head")
            return
        }
        #expect(head.expectsContinue)
        #expect(parser.stage == .body)
        parser.receive(Array("12".utf8).span)
        #expect(try parser.next() == nil)
        #expect(parser.bufferedBytes == 2)
        parser.receive(Array("34".utf8).span)
        guard case .body(let body) = try parser.next() else {
            Issue.record("no body")
            return
        }
        #expect(body.text == "1234")
        #expect(parser.isIdle)
    }

    @Test("One empty line in front of a request is passed over, two are not")
    func leadingEmptyLine() {
        #expect(decode("\r\n" + get + "\r\n" + get).requests.count == 2)
        #expect(decode("\r\n").stage == .idle)
        #expect(decode("\r\n\r\n" + get).error == .malformedRequestLine)
        #expect(decode("\rGET / HTTP/1.1\r\n").error == .malformedRequestLine)
        #expect(decode("\n" + get).error == .bareLineFeed)
    }

    @Test(
        "Whether the connection stays open",
        arguments: [
            ("1.1", nil, true), ("1.1", "close", false), ("1.1", "Keep-Alive, Close", false),
            ("1.1", "upgrade", true), ("1.1", ",, close\t", false), ("1.1", "closed", true),
            ("1.0", nil, false), ("1.0", "keep-alive", true), ("1.0", "keep-alive,close", false),
        ] as [(String, String?, Bool)]
    )
    func keepAlive(_ version: String, _ connection: String?, _ expected: Bool) throws {
        let field = connection.map { "Connection: \($0)\r\n" } ?? ""
        let head = try head("GET / HTTP/\(version)\r\nHost: a\r\n\(field)\r\n")
        #expect(head.keepsAlive == expected)
    }

    @Test("Only a client that will send a body is told to go on")
    func expectContinue() throws {
        let post = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
        #expect(try head(post + "Content-Length: 1\r\n\r\n").expectsContinue)
        #expect(try head(post + "Transfer-Encoding: chunked\r\n\r\n").expectsContinue)
        #expect(try !head(post + "Content-Length: 0\r\n\r\n").expectsContinue)
        #expect(try !head("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n").expectsContinue)
        #expect(
            try !head("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n").expectsContinue
        )
    }

    @Test("Fields are found whatever their case")
    func lookup() throws {
        let head = try head(
            "GET / HTTP/1.1\r\nHost: a\r\nAUTHORIZATION: Bearer x\r\nAccept: a\r\naccept: b\r\nX: \u{80}\r\n\r\n"
        )
        #expect(head.first("authorization")?.text == "Bearer x")
        #expect(head.first("accept")?.text == "a")
        #expect(head.first("authorizatio") == nil)
        #expect(head.count(of: "accept") == 2)
        #expect(head.headers.count == 5)
        #expect(head.headers.map(\.name.text) == ["Host", "AUTHORIZATION", "Accept", "accept", "X"])
    }

    @Test("Every form of target we serve")
    func targets() throws {
        func parts(_ target: String, method: String = "GET") throws -> [String] {
            let head = try head("\(method) \(target) HTTP/1.1\r\nHost: h.example:8080\r\n\r\n")
            return [head.target.text, head.path.text, head.query?.text ?? "-"]
        }
        #expect(try parts("/") == ["/", "/", "-"])
        #expect(try parts("//a//?") == ["//a//?", "//a//", ""])
        #expect(try parts("/a?b?c=/d") == ["/a?b?c=/d", "/a", "b?c=/d"])
        #expect(try parts("http://H.example:8080/a/b?c") == ["http://H.example:8080/a/b?c", "/a/b", "c"])
        #expect(try parts("HTTPS://h.example:8080") == ["HTTPS://h.example:8080", "/", "-"])
        #expect(try parts("http://h.example:8080?q") == ["http://h.example:8080?q", "/", "q"])
        #expect(try parts("*", method: "OPTIONS") == ["*", "*", "-"])
    }

    @Test("Every method we serve", arguments: HTTPMethod.allCases)
    func methods(_ method: HTTPMethod) throws {
        let head = try head("\(method.rawValue) / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        #expect(head.method == method)
    }

    @Test("A parser at rest holds no large memory, and long bodies arrive intact")
    func memory() throws {
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: 3 << 20)
        var parser = RequestParser()
        parser.receive(Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n".utf8).span)
        guard case .head = try parser.next() else {
            Issue.record("no head")
            return
        }
        var received: [UInt8]?
        for start in stride(from: 0, to: body.count, by: 65_536) {
            parser.receive(body[start..<min(body.count, start + 65_536)].span)
            if case .body(let whole) = try parser.next() { received = whole }
        }
        #expect(received == body)
        #expect(parser.isIdle)
        #expect(parser.heldCapacity <= 4096)
    }

    @Test("Random cuts of random pipelines give the same requests")
    func randomCuts() {
        var generator = SeededGenerator(seed: 1)
        let parts = [
            "GET /a HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n", "DELETE /b HTTP/1.0\r\n\r\n",
            "POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello\r\n0\r\n\r\n",
            "POST /d HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10;x\r\n0123456789abcdef\r\n"
                + "0\r\nT: 1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\n\r\n",
        ]
        for _ in 0..<400 {
            let count = Int.random(in: 1...6, using: &generator)
            let input = (0..<count).flatMap { _ in Array(parts.randomElement(using: &generator)?.utf8 ?? "".utf8) }
            let whole = DecodedRequests([input[...]])
            let pieces = randomPieces(input, using: &generator)
            #expect(DecodedRequests(pieces) == whole)
        }
    }
}
