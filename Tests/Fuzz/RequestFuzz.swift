import HTTPCodec

/// What a parser made of an input, comparable; looks at everything a head offers on the way.
private struct Outcome: Equatable {
    var parts: [[UInt8]] = []
    var error: HTTPParseError?
    var unread = 0

    init(_ pieces: [ArraySlice<UInt8>], _ limits: HTTPLimits) {
        var parser = RequestParser(limits: limits)
        do throws(HTTPParseError) {
            for piece in pieces {
                parser.receive(piece.span)
                while let event = try parser.next() {
                    switch event {
                    case .head(let head): note(head, limits)
                    case .body(let body):
                        precondition(body.count <= limits.bodyBytes, "a body is larger than its limit")
                        parts.append(body)
                    }
                }
            }
            unread = parser.bufferedBytes
            precondition(parser.isIdle == (unread == 0 && parser.stage != .body), "idle with bytes")
        } catch {
            self.error = error
            precondition(parser.bufferedBytes == 0, "a failed parser keeps bytes")
        }
    }

    private mutating func note(_ head: RequestHead, _ limits: HTTPLimits) {
        precondition(head.bytes.count <= limits.headBytes, "a head is larger than its limit")
        precondition(head.target.count <= limits.targetBytes, "a target is larger than its limit")
        precondition(head.headers.count <= limits.headerCount, "a head has more fields than its limit")
        precondition(head.bytes.suffix(4).elementsEqual("\r\n\r\n".utf8), "a head has no end")
        precondition(head.minorVersion == 0 || head.count(of: "host") == 1, "a head has no host")
        precondition(head.count(of: "content-length") + head.count(of: "transfer-encoding") <= 1, "ambiguous framing")
        precondition(!head.method.rawValue.isEmpty && !head.path.isEmpty, "a head lacks parts")
        for (name, value) in head.headers {
            precondition(!name.isEmpty && !name.contains { $0 <= 0x20 || $0 >= 0x7F || $0 == 0x3A }, "a bad name")
            precondition(!value.contains { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F }, "a bad value")
        }
        parts += [Array(head.target), Array(head.path), head.query.map { Array($0) } ?? [], head.bytes]
        parts.append([head.keepsAlive ? 1 : 0, head.expectsContinue ? 1 : 0])
        parts.append(head.path.percentDecoded() ?? [])
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRequests(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let input = unsafe FuzzInput(data, size)
    let small = HTTPLimits(headBytes: 300, headerCount: 6, targetBytes: 40, bodyBytes: 64, chunkLineBytes: 24)
    input.check { Outcome($0, HTTPLimits()) }
    input.check { Outcome($0, small) }
    return 0
}
