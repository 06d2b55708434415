import Core
import HTTPCodec
import Testing

@Suite struct ResponseWritingTests {
    private func written(_ write: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer()
        write(&buffer)
        return buffer.readable.text
    }

    @Test("A head with a counted body")
    func countedHead() {
        let head = written {
            $0.appendStatusLine(200)
            $0.appendHeaderLine("Content-Type: application/json")
            $0.appendHeader("X-Request-ID", "r-1")
            $0.appendContentLength(12)
            $0.appendHeadEnd()
        }
        #expect(
            head
                == "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-ID: r-1\r\nContent-Length: 12\r\n\r\n"
        )
    }

    @Test("Status lines have three digits and a reason")
    func statusLines() {
        #expect(written { $0.appendStatusLine(429) } == "HTTP/1.1 429 Too Many Requests\r\n")
        #expect(written { $0.appendStatusLine(299) } == "HTTP/1.1 299 Status\r\n")
        #expect(written { $0.appendStatusLine(7) } == "HTTP/1.1 500 Internal Server Error\r\n")
        #expect(written { $0.appendStatusLine(-200) } == "HTTP/1.1 500 Internal Server Error\r\n")
        #expect(written { $0.appendContinue() } == "HTTP/1.1 100 Continue\r\n\r\n")
    }

    @Test("Every error the gateway reports has a reason phrase", arguments: GatewayError.Code.allCases)
    func reasons(_ code: GatewayError.Code) {
        #expect(!written { $0.appendStatusLine(GatewayError(code, "").status) }.hasSuffix(" Status\r\n"))
    }

    @Test(
        "No value splits a response",
        arguments: ["a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\0b", "a\u{7F}b", "\r\n\r\n<html>", "a\u{1}b"]
    )
    func injection(_ value: String) {
        let lines = [
            written { $0.appendHeader("X", value) }, written { $0.appendHeader("X", Array(value.utf8)[...]) },
            written { $0.appendHeader(HTTPHeader("X", value)) },
        ]
        for line in lines {
            #expect(line.hasPrefix("X: "))
            #expect(line.hasSuffix("\r\n"))
            #expect(line.utf8.count == value.utf8.count + 5)
            #expect(line.utf8.dropLast(2).allSatisfy { $0 >= 0x20 && $0 != 0x7F })
        }
    }

    @Test("Values keep tabs and text beyond ASCII")
    func keepsText() {
        #expect(written { $0.appendHeader("X", "a\té") } == "X: a\té\r\n")
    }

    @Test("A field with an impossible name is left out", arguments: ["", "a b", "a:b", "a\r\nb", "é", "a\0"])
    func names(_ name: String) {
        #expect(written { $0.appendHeader(HTTPHeader(name, "v")) } == "")
    }

    @Test("Chunks carry their size, and no bytes make no chunk")
    func chunks() throws {
        let text = written {
            $0.appendChunkedCoding()
            $0.appendChunk(Array("hello".utf8)[...])
            $0.appendChunk([])
            $0.appendChunk(Array(repeating: UInt8(ascii: "x"), count: 26)[...])
            $0.appendChunkStart(3)
            $0.append("ab")
            $0.append("c")
            $0.appendChunkEnd()
            $0.appendLastChunk()
        }
        let body = "5\r\nhello\r\n1a\r\n\(String(repeating: "x", count: 26))\r\n3\r\nabc\r\n0\r\n\r\n"
        #expect(text == "Transfer-Encoding: chunked\r\n" + body)
        let decoded = decode("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
        #expect(decoded.requests.first?.body?.text == "hello\(String(repeating: "x", count: 26))abc")
    }
}
