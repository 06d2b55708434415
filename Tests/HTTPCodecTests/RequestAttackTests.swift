import Core
import HTTPCodec
import Testing

/// Everything ambiguous, oversized or unserved is refused, always with the same verdict however the bytes are cut.
@Suite struct RequestAttackTests {
    struct Attack: CustomTestStringConvertible, Sendable {
        let name: String
        let bytes: String
        let error: HTTPParseError

        init(_ name: String, _ bytes: String, _ error: HTTPParseError) {
            (self.name, self.bytes, self.error) = (name, bytes, error)
        }

        var testDescription: String { name }
    }

    private static func post(_ fields: String, _ body: String = "") -> String {
        "POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\(body)"
    }

    private static func get(_ fields: String) -> String { "GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n" }

    private static func chunked(_ body: String) -> String { post("Transfer-Encoding: chunked\r\n", body) }

    static let framing = [
        Attack("both framings", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), .conflictingFraming),
        Attack(
            "both framings, swapped",
            post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
            .conflictingFraming
        ),
        Attack("equal lengths", post("Content-Length: 5\r\nContent-Length: 5\r\n"), .repeatedContentLength),
        Attack("differing lengths", post("Content-Length: 5\r\ncontent-length: 6\r\n"), .repeatedContentLength),
        Attack("positive length", post("Content-Length: +5\r\n"), .malformedContentLength),
        Attack("negative length", post("Content-Length: -5\r\n"), .malformedContentLength),
        Attack("empty length", post("Content-Length: \r\n"), .malformedContentLength),
        Attack("list of lengths", post("Content-Length: 5, 5\r\n"), .malformedContentLength),
        Attack("hexadecimal length", post("Content-Length: 0x5\r\n"), .malformedContentLength),
        Attack("fractional length", post("Content-Length: 5.0\r\n"), .malformedContentLength),
        Attack("two numbers", post("Content-Length: 5 5\r\n"), .malformedContentLength),
        Attack("length over 64 bits", post("Content-Length: 18446744073709551621\r\n"), .malformedContentLength),
        Attack("length over the limit", post("Content-Length: 67108865\r\n"), .bodyTooLarge),
        Attack("xchunked", post("Transfer-Encoding: xchunked\r\n"), .unsupportedTransferEncoding),
        Attack("chunked twice", post("Transfer-Encoding: chunked, chunked\r\n"), .unsupportedTransferEncoding),
        Attack("gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n"), .unsupportedTransferEncoding),
        Attack("chunked, identity", post("Transfer-Encoding: chunked, identity\r\n"), .unsupportedTransferEncoding),
        Attack("quoted chunked", post("Transfer-Encoding: \"chunked\"\r\n"), .unsupportedTransferEncoding),
        Attack("chunked with a parameter", post("Transfer-Encoding: chunked;a=b\r\n"), .unsupportedTransferEncoding),
        Attack("vertical tab", post("Transfer-Encoding: \u{0B}chunked\r\n"), .malformedFieldValue),
        Attack("empty coding", post("Transfer-Encoding:\r\n"), .repeatedTransferEncoding),
        Attack(
            "coding on two lines",
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
            .repeatedTransferEncoding
        ),
        Attack(
            "chunked over HTTP/1.0",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            .transferEncodingBeforeHTTP11
        ),
        Attack("POST without a length", post(""), .lengthRequired),
        Attack("PUT without a length", "PUT / HTTP/1.1\r\nHost: a\r\n\r\n", .lengthRequired),
        Attack("PATCH without a length", "PATCH / HTTP/1.1\r\nHost: a\r\n\r\n", .lengthRequired),
    ]

    static let lines = [
        Attack("LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", .bareLineFeed),
        Attack("LF after a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", .bareLineFeed),
        Attack("LF as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed),
        Attack("CR in the request line", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", .malformedTarget),
        Attack("CR in a value", get("X: a\rb\r\n"), .malformedFieldValue),
        Attack("CR CR LF", get("X: a\r\r\n"), .malformedFieldValue),
        Attack("CR in a name", get("X\rY: a\r\n"), .malformedFieldName),
        Attack("folded with a space", get("X: a\r\n b\r\n"), .foldedField),
        Attack("folded with a tab", get("X: a\r\n\tb\r\n"), .foldedField),
        Attack("space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", .foldedField),
        Attack("space before the colon", get("Content-Length : 5\r\n"), .malformedFieldName),
        Attack("tab before the colon", get("X\t: 5\r\n"), .malformedFieldName),
        Attack("NUL in a value", get("X: a\0b\r\n"), .malformedFieldValue),
        Attack("control in a value", get("X: a\u{1}b\r\n"), .malformedFieldValue),
        Attack("DEL in a value", get("X: a\u{7F}\r\n"), .malformedFieldValue),
        Attack("NUL in a name", get("X\0: a\r\n"), .malformedFieldName),
        Attack("parenthesis in a name", get("X(y): a\r\n"), .malformedFieldName),
        Attack("letters beyond ASCII in a name", get("X\u{E9}: a\r\n"), .malformedFieldName),
        Attack("empty name", get(": a\r\n"), .malformedFieldName),
        Attack("no colon", get("X\r\n"), .malformedFieldName),
        Attack("missing host", "GET / HTTP/1.1\r\nX: a\r\n\r\n", .missingHost),
        Attack("two hosts", get("Host: a\r\n"), .repeatedHost),
        Attack("two hosts over 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", .repeatedHost),
        Attack("host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .malformedHost),
        Attack("host with a user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", .malformedHost),
        Attack("list of hosts", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", .malformedHost),
        Attack("host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .malformedHost),
    ]

    static let requestLines = [
        Attack("no version", "GET /\r\n", .malformedRequestLine),
        Attack("only a method", "GET\r\n", .malformedRequestLine),
        Attack("method in quotes", "\"GET\" / HTTP/1.1\r\n", .malformedMethod),
        Attack("method with a colon", "G:T / HTTP/1.1\r\n", .malformedMethod),
        Attack("a TLS greeting", "\u{16}\u{3}\u{1}", .malformedMethod),
        Attack("leading space", " GET / HTTP/1.1\r\n", .malformedMethod),
        Attack("tab for space", "GET\t/ HTTP/1.1\r\n", .malformedMethod),
        Attack("two spaces", "GET  / HTTP/1.1\r\n", .malformedTarget),
        Attack("space in the target", "GET /a b HTTP/1.1\r\n", .malformedVersion),
        Attack("tab in the target", "GET /a\tb HTTP/1.1\r\n", .malformedTarget),
        Attack("NUL in the target", "GET /\0 HTTP/1.1\r\n", .malformedTarget),
        Attack("letters beyond ASCII in the target", "GET /\u{E9} HTTP/1.1\r\n", .malformedTarget),
        Attack("fragment", "GET /#a HTTP/1.1\r\n", .malformedTarget),
        Attack("target without a slash", "GET a HTTP/1.1\r\n", .malformedTarget),
        Attack("target of a query", "GET ?a HTTP/1.1\r\n", .malformedTarget),
        Attack("asterisk", "GET * HTTP/1.1\r\n", .malformedTarget),
        Attack("asterisk with a query", "OPTIONS *?a HTTP/1.1\r\n", .malformedTarget),
        Attack("another scheme", "GET ftp://a/ HTTP/1.1\r\n", .malformedTarget),
        Attack("no host in the target", "GET http:///a HTTP/1.1\r\n", .malformedTarget),
        Attack("user in the target", "GET http://u@a/ HTTP/1.1\r\n", .malformedTarget),
        Attack("another host in the target", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", .malformedHost),
        Attack("a longer host in the target", "GET http://ab/ HTTP/1.1\r\nHost: a\r\n\r\n", .malformedHost),
        Attack("lower-case version", "GET / http/1.1\r\n", .malformedVersion),
        Attack("trailing space", "GET / HTTP/1.1 \r\n", .malformedVersion),
        Attack("version of many digits", "GET / HTTP/1.11\r\n", .malformedVersion),
        Attack("version without a dot", "GET / HTTP/1 1\r\n", .malformedVersion),
        Attack("HTTP/0.9 in full", "GET / HTTP/0.9\r\n", .unsupportedVersion),
        Attack("HTTP/1.2", "GET / HTTP/1.2\r\n", .unsupportedVersion),
        Attack("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .unsupportedVersion),
        Attack("unknown method", "BREW / HTTP/1.1\r\n", .unsupportedMethod),
        Attack("lower-case method", "get / HTTP/1.1\r\n", .unsupportedMethod),
        Attack("CONNECT", "CONNECT a:443 HTTP/1.1\r\n", .unsupportedMethod),
        Attack("method nearly known", "OPTION / HTTP/1.1\r\n", .unsupportedMethod),
    ]

    static let chunks = [
        Attack("LF after the size", chunked("5\nhello\r\n0\r\n\r\n"), .bareLineFeed),
        Attack("LF after an extension", chunked("5;a\nhello\r\n0\r\n\r\n"), .bareLineFeed),
        Attack("LF after the data", chunked("5\r\nhello\n0\r\n\r\n"), .malformedChunkEnd),
        Attack("CR CR after the data", chunked("5\r\nhello\r\r\n0\r\n\r\n"), .malformedChunkEnd),
        Attack("data longer than its size", chunked("5\r\nhello!\r\n0\r\n\r\n"), .malformedChunkEnd),
        Attack("LF after a trailer", chunked("0\r\nX: a\n\r\n"), .bareLineFeed),
        Attack("LF as the last line", chunked("0\r\n\n"), .bareLineFeed),
        Attack("LF after the last size", chunked("0\n\r\n"), .bareLineFeed),
        Attack("empty size", chunked("\r\nhello\r\n"), .malformedChunkSize),
        Attack("size in hexadecimal notation", chunked("0x5\r\nhello\r\n"), .malformedChunkSize),
        Attack("positive size", chunked("+5\r\nhello\r\n"), .malformedChunkSize),
        Attack("negative size", chunked("-5\r\nhello\r\n"), .malformedChunkSize),
        Attack("space before the size", chunked(" 5\r\nhello\r\n"), .malformedChunkSize),
        Attack("space after the size", chunked("5 \r\nhello\r\n"), .malformedChunkSize),
        Attack("space before the extension", chunked("5 ;a\r\nhello\r\n"), .malformedChunkSize),
        Attack("size with an underscore", chunked("5_0\r\nhello\r\n"), .malformedChunkSize),
        Attack("size of 17 digits", chunked("00000000000000005\r\nhello\r\n"), .malformedChunkSize),
        Attack("size of 64 bits", chunked("ffffffffffffffff\r\n"), .bodyTooLarge),
        Attack("size over the limit", chunked("4000001\r\n"), .bodyTooLarge),
        Attack("CR in an extension", chunked("5;a=\"\r\"\r\nhello\r\n"), .malformedChunkExtension),
        Attack("NUL in an extension", chunked("5;a\0\r\nhello\r\n"), .malformedChunkExtension),
        Attack("letters beyond ASCII in an extension", chunked("5;\u{E9}\r\nhello\r\n"), .malformedChunkExtension),
        Attack("folded trailer", chunked("0\r\nX: a\r\n b\r\n\r\n"), .foldedField),
        Attack("space before a trailer's colon", chunked("0\r\nX : a\r\n\r\n"), .malformedFieldName),
        Attack("NUL in a trailer", chunked("0\r\nX: \0\r\n\r\n"), .malformedFieldValue),
        Attack("length as a trailer", chunked("0\r\nContent-Length: 5\r\n\r\n"), .forbiddenTrailer),
        Attack("coding as a trailer", chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n"), .forbiddenTrailer),
        Attack("host as a trailer", chunked("0\r\nHost: b\r\n\r\n"), .forbiddenTrailer),
    ]

    @Test("Ambiguous framing is refused", arguments: framing)
    func refusesFraming(_ attack: Attack) { expectRefusal(attack) }

    @Test("Malformed lines are refused", arguments: lines)
    func refusesLines(_ attack: Attack) { expectRefusal(attack) }

    @Test("Malformed request lines are refused", arguments: requestLines)
    func refusesRequestLines(_ attack: Attack) { expectRefusal(attack) }

    @Test("Malformed chunks are refused", arguments: chunks)
    func refusesChunks(_ attack: Attack) { expectRefusal(attack) }

    private func expectRefusal(_ attack: Attack) {
        let decoded = decode(attack.bytes)
        #expect(decoded.error == attack.error)
        #expect(decoded.requests.allSatisfy { $0.body == nil })
    }

    @Test("Sizes beyond the limits are refused, those at the limits are not")
    func limits() {
        let limits = HTTPLimits(headBytes: 200, headerCount: 3, targetBytes: 20, bodyBytes: 10, chunkLineBytes: 20)
        func verdict(_ text: String) -> HTTPParseError? { decode(text, limits: limits).error }
        func fill(_ count: Int) -> String { String(repeating: "x", count: count) }

        #expect(verdict("GET /\(fill(19)) HTTP/1.1\r\nHost: a\r\n\r\n") == nil)
        #expect(verdict("GET /\(fill(20)) HTTP/1.1\r\nHost: a\r\n\r\n") == .targetTooLong)
        #expect(verdict("GET /\(fill(100))") == .targetTooLong)
        #expect(verdict(Self.get("A: 1\r\nB: 2\r\n")) == nil)
        #expect(verdict(Self.get("A: 1\r\nB: 2\r\nC: 3\r\n")) == .tooManyFields)
        #expect(verdict(Self.get("A: \(fill(168))\r\n")) == nil)
        #expect(verdict(Self.get("A: \(fill(169))\r\n")) == .headTooLarge)
        #expect(verdict("GET / HTTP/1.1\r\nA: \(fill(300))") == .headTooLarge)
        #expect(verdict(Self.post("Content-Length: 10\r\n", fill(10))) == nil)
        #expect(verdict(Self.post("Content-Length: 11\r\n")) == .bodyTooLarge)
        #expect(verdict(Self.chunked("8\r\n\(fill(8))\r\n2\r\nxx\r\n0\r\n\r\n")) == nil)
        #expect(verdict(Self.chunked("8\r\n\(fill(8))\r\n3\r\n")) == .bodyTooLarge)
        #expect(verdict(Self.chunked("1;\(fill(16))\r\nx\r\n0\r\n\r\n")) == nil)
        #expect(verdict(Self.chunked("1;\(fill(17))\r\nx\r\n")) == .malformedChunkExtension)
        #expect(verdict(Self.chunked("0\r\nA: 1\r\nB: 1\r\nC: 1\r\n\r\n")) == nil)
        #expect(verdict(Self.chunked("0\r\nA: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n\r\n")) == .tooManyFields)
        #expect(verdict(Self.chunked("0\r\nA: \(fill(197))\r\n\r\n")) == nil)
        #expect(verdict(Self.chunked("0\r\nA: \(fill(198))\r\n\r\n")) == .framingTooLarge)
        #expect(verdict(Self.chunked("0\r\nA: \(fill(300))")) == .framingTooLarge)
    }

    @Test("Extensions of many chunks are bounded together")
    func discardedBytes() {
        let limits = HTTPLimits(headBytes: 200, bodyBytes: 1000)
        let chunk = "1;" + String(repeating: "x", count: 49) + "\r\na\r\n"
        let four = String(repeating: chunk, count: 4)
        #expect(decode(Self.chunked(four + "0\r\n\r\n"), limits: limits).error == nil)
        #expect(decode(Self.chunked(four + "1;\r\na\r\n"), limits: limits).error == .framingTooLarge)
    }

    @Test("A 70 KB header, a long target and 101 headers are refused under the default limits")
    func defaultLimits() {
        let long = String(repeating: "x", count: 70 * 1024)
        #expect(decodeWhole(Self.get("X: \(long)\r\n")).error == .headTooLarge)
        #expect(decodeWhole(Self.get("X: \(long)")).error == .headTooLarge)
        #expect(decodeWhole("GET /\(long) HTTP/1.1\r\n").error == .targetTooLong)
        #expect(decodeWhole("GET /\(long)").error == .targetTooLong)
        #expect(decodeWhole(Self.get(String(repeating: "X: 1\r\n", count: 99))).error == nil)
        #expect(decodeWhole(Self.get(String(repeating: "X: 1\r\n", count: 100))).error == .tooManyFields)
    }

    @Test("An error stays, and what comes after it is not kept")
    func staysFailed() {
        var parser = RequestParser()
        parser.receive(Array("GET / HTTP/1.1\nHost: a\r\n\r\n".utf8).span)
        #expect(throws: HTTPParseError.bareLineFeed) { try parser.next() }
        parser.receive(Array(Self.get("").utf8).span)
        #expect(throws: HTTPParseError.bareLineFeed) { try parser.next() }
        #expect(parser.bufferedBytes == 0)
    }

    @Test("Every refusal has a client or server error status and a reason", arguments: HTTPParseError.allCases)
    func statuses(_ error: HTTPParseError) {
        #expect([400, 411, 413, 414, 431, 501, 505].contains(error.status))
        #expect(error.reason.utf8CodeUnitCount > 10)
        #expect(error.gatewayError.status == error.status)
        #expect(error.gatewayError.message.contains("\(error.reason)"))
    }
}
