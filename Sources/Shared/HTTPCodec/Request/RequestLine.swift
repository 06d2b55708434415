/// A request line taken apart.
struct RequestLine: Sendable {
    let method: HTTPMethod
    let minorVersion: Int
    let target: ByteRange
    let path: ByteRange
    /// What follows the question mark, if there is one.
    let query: ByteRange?
    /// Host and port of an absolute-form target.
    let authority: ByteRange?

    init(_ bytes: Span<UInt8>, _ line: Range<Int>, limits: HTTPLimits) throws(HTTPParseError) {
        var methodEnd = line.lowerBound
        while methodEnd < line.upperBound, bytes[methodEnd].isToken { methodEnd += 1 }
        guard methodEnd > line.lowerBound else { throw .malformedMethod }
        guard methodEnd < line.upperBound else { throw .malformedRequestLine }
        guard bytes[methodEnd] == .space else { throw .malformedMethod }

        let targetStart = methodEnd + 1
        var targetEnd = targetStart
        var queryStart: Int?
        while targetEnd < line.upperBound, bytes[targetEnd].isVisible {
            // A fragment never goes on the wire; whoever sends one may have cut the target elsewhere than we would.
            if bytes[targetEnd] == UInt8(ascii: "#") { throw .malformedTarget }
            if bytes[targetEnd] == UInt8(ascii: "?"), queryStart == nil { queryStart = targetEnd + 1 }
            targetEnd += 1
        }
        // Without a second space there is no version: HTTP/0.9.
        guard targetEnd < line.upperBound else { throw .malformedRequestLine }
        guard targetEnd > targetStart, bytes[targetEnd] == .space else { throw .malformedTarget }
        guard targetEnd - targetStart <= limits.targetBytes else { throw .targetTooLong }

        minorVersion = try Self.minorVersion(bytes, targetEnd + 1..<line.upperBound)
        guard let method = HTTPMethod(bytes, line.lowerBound..<methodEnd) else { throw .unsupportedMethod }
        self.method = method
        target = ByteRange(targetStart..<targetEnd)
        query = queryStart.map { ByteRange($0..<targetEnd) }
        let pathEnd = queryStart.map { $0 - 1 } ?? targetEnd
        (path, authority) = try Self.path(bytes, targetStart..<pathEnd, hasQuery: queryStart != nil, method)
    }

    private static func minorVersion(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(HTTPParseError) -> Int {
        guard range.count == 8, bytes.equals(range.lowerBound..<range.lowerBound + 5, "HTTP/") else {
            throw .malformedVersion
        }
        let (major, minor) = (bytes[range.upperBound - 3], bytes[range.upperBound - 1])
        guard major.isDigit, bytes[range.upperBound - 2] == UInt8(ascii: "."), minor.isDigit else {
            throw .malformedVersion
        }
        guard major == UInt8(ascii: "1"), minor <= UInt8(ascii: "1") else { throw .unsupportedVersion }
        return Int(minor - UInt8(ascii: "0"))
    }

    /// Understands `/path`, `http://host/path` and, for OPTIONS, `*`; `range` is the target before its query.
    private static func path(
        _ bytes: Span<UInt8>,
        _ range: Range<Int>,
        hasQuery: Bool,
        _ method: HTTPMethod
    ) throws(HTTPParseError) -> (path: ByteRange, authority: ByteRange?) {
        let (start, end) = (range.lowerBound, range.upperBound)
        guard start < end else { throw .malformedTarget }
        if bytes[start] == UInt8(ascii: "/") { return (ByteRange(range), nil) }
        if bytes[start] == UInt8(ascii: "*") {
            guard range.count == 1, !hasQuery, method == .options else { throw .malformedTarget }
            return (ByteRange(range), nil)
        }
        let hostStart: Int
        if range.count > 7, bytes.equalsIgnoringCase(start..<start + 7, "http://") {
            hostStart = start + 7
        } else if range.count > 8, bytes.equalsIgnoringCase(start..<start + 8, "https://") {
            hostStart = start + 8
        } else {
            throw .malformedTarget
        }
        var hostEnd = hostStart
        while hostEnd < end, bytes[hostEnd].isAuthority { hostEnd += 1 }
        guard hostEnd > hostStart, hostEnd == end || bytes[hostEnd] == UInt8(ascii: "/") else {
            throw .malformedTarget
        }
        // An absolute target without a path means "/": the slash in front of the host serves as one.
        let path = hostEnd == end ? hostStart - 1..<hostStart : hostEnd..<end
        return (ByteRange(path), ByteRange(hostStart..<hostEnd))
    }
}
