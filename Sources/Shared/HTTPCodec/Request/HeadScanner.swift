/// Reads a request head line by line as the bytes come in. Every line is looked at once, and every verdict depends on
/// the bytes alone, not on how they were cut.
struct HeadScanner: Sendable {
    private var lineStart = 0
    private var lineFeeds = ByteFinder(.lf)
    private var line: RequestLine?
    private var fields: [FieldLine] = []

    private var contentLength: Int?
    private var isChunked = false
    private var host: ByteRange?
    private var asksToClose = false
    private var asksToKeepAlive = false
    private var expectsContinue = false

    /// Goes on reading; `bytes` begins with the head and may have grown since the last call. Returns how long the head
    /// is once its empty line is in.
    mutating func advance(_ bytes: Span<UInt8>, limits: HTTPLimits) throws(HTTPParseError) -> Int? {
        // Tells binary junk, such as a TLS greeting, without waiting for a line end that may never come.
        if line == nil, bytes.count > 0, !bytes[0].isToken {
            throw bytes[0] == .lf ? .bareLineFeed : .malformedMethod
        }
        while true {
            guard let lineFeed = lineFeeds.first(in: bytes, from: lineStart) else {
                try checkSize(upTo: bytes.count, limits)
                return nil
            }
            try checkSize(upTo: lineFeed + 1, limits)
            guard lineFeed > lineStart, bytes[lineFeed - 1] == .cr else { throw .bareLineFeed }
            let content = lineStart..<lineFeed - 1
            lineStart = lineFeed + 1
            if line == nil {
                line = try RequestLine(bytes, content, limits: limits)
                fields.reserveCapacity(16)
            } else if content.isEmpty {
                return lineStart
            } else {
                guard fields.count < limits.headerCount else { throw .tooManyFields }
                let field = try FieldLine(bytes, content)
                fields.append(field)
                try note(field, bytes)
            }
        }
    }

    /// The head, its parts judged together; `bytes` is exactly what `advance` measured.
    func makeHead(_ bytes: [UInt8], limits: HTTPLimits) throws(HTTPParseError) -> RequestHead {
        guard let line else { preconditionFailure("a head is made only after its empty line") }
        try checkHost(line, bytes.span)
        let framing = try framing(line, limits)
        return RequestHead(
            bytes: bytes,
            line: line,
            fields: fields,
            framing: framing,
            keepsAlive: !asksToClose && (line.minorVersion == 1 || asksToKeepAlive),
            expectsContinue: expectsContinue && line.minorVersion == 1 && framing != .none && framing != .length(0)
        )
    }

    private func checkSize(upTo end: Int, _ limits: HTTPLimits) throws(HTTPParseError) {
        // The longest method, version and their spaces and line end take 26 bytes.
        if line == nil, end > min(limits.headBytes, limits.targetBytes + 26) { throw .targetTooLong }
        if end > limits.headBytes { throw .headTooLarge }
    }

    /// Keeps what decides about the connection and the body's length.
    private mutating func note(_ field: FieldLine, _ bytes: Span<UInt8>) throws(HTTPParseError) {
        let (name, value) = (field.name.range, field.value.range)
        switch name.count {
        case 4 where bytes.equalsIgnoringCase(name, "host"):
            guard host == nil else { throw .repeatedHost }
            host = field.value
            for place in value where !bytes[place].isAuthority { throw .malformedHost }
        case 6 where bytes.equalsIgnoringCase(name, "expect"):
            expectsContinue = bytes.equalsIgnoringCase(value, "100-continue")
        case 10 where bytes.equalsIgnoringCase(name, "connection"):
            noteConnection(value, bytes)
        case 14 where bytes.equalsIgnoringCase(name, "content-length"):
            guard contentLength == nil else { throw .repeatedContentLength }
            contentLength = try Self.number(bytes, value)
        case 17 where bytes.equalsIgnoringCase(name, "transfer-encoding"):
            guard !isChunked, !value.isEmpty else { throw .repeatedTransferEncoding }
            guard bytes.equalsIgnoringCase(value, "chunked") else { throw .unsupportedTransferEncoding }
            isChunked = true
        default:
            break
        }
    }

    private mutating func noteConnection(_ value: Range<Int>, _ bytes: Span<UInt8>) {
        var start = value.lowerBound
        while start < value.upperBound {
            var end = start
            while end < value.upperBound, bytes[end] != UInt8(ascii: ",") { end += 1 }
            var (first, last) = (start, end)
            while first < last, bytes[first].isBlank { first += 1 }
            while first < last, bytes[last - 1].isBlank { last -= 1 }
            if bytes.equalsIgnoringCase(first..<last, "close") { asksToClose = true }
            if bytes.equalsIgnoringCase(first..<last, "keep-alive") { asksToKeepAlive = true }
            start = end + 1
        }
    }

    private static func number(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(HTTPParseError) -> Int {
        // Eighteen digits cannot overflow, and nobody sends an exabyte.
        guard !range.isEmpty, range.count <= 18 else { throw .malformedContentLength }
        var number = 0
        for place in range {
            guard bytes[place].isDigit else { throw .malformedContentLength }
            number = number * 10 + Int(bytes[place] - UInt8(ascii: "0"))
        }
        return number
    }

    /// An absolute target that names another host than the Host field is answered by different servers along the way
    /// in different ways, so it is refused.
    private func checkHost(_ line: RequestLine, _ bytes: Span<UInt8>) throws(HTTPParseError) {
        guard let host else {
            if line.minorVersion == 1 { throw .missingHost }
            return
        }
        guard let authority = line.authority else { return }
        guard host.count == authority.count else { throw .malformedHost }
        for place in 0..<host.count {
            let (left, right) = (bytes[host.range.lowerBound + place], bytes[authority.range.lowerBound + place])
            guard left.lowercased == right.lowercased else { throw .malformedHost }
        }
    }

    private func framing(_ line: RequestLine, _ limits: HTTPLimits) throws(HTTPParseError) -> RequestHead.Framing {
        if isChunked {
            guard line.minorVersion == 1 else { throw .transferEncodingBeforeHTTP11 }
            guard contentLength == nil else { throw .conflictingFraming }
            return .chunked
        }
        if let contentLength {
            guard contentLength <= limits.bodyBytes else { throw .bodyTooLarge }
            return .length(contentLength)
        }
        if line.method.needsLength { throw .lengthRequired }
        return .none
    }
}
