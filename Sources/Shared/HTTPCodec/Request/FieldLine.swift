/// Where something lies in a head's bytes: half the size of `Range<Int>`, because a head holds dozens.
struct ByteRange: Sendable {
    private let start: UInt32
    private let end: UInt32

    init(_ range: Range<Int>) {
        start = UInt32(range.lowerBound)
        end = UInt32(range.upperBound)
    }

    var range: Range<Int> { unsafe Range(uncheckedBounds: (Int(start), Int(end))) }
    var count: Int { Int(end &- start) }
}

/// A header or trailer field: where its name and its trimmed value lie.
struct FieldLine: Sendable {
    let name: ByteRange
    let value: ByteRange

    /// Takes one line apart, strictly: a token, at once a colon, a value without controls. `line` excludes the CR LF
    /// and is not empty.
    init(_ bytes: Span<UInt8>, _ line: Range<Int>) throws(HTTPParseError) {
        guard !bytes[line.lowerBound].isBlank else { throw .foldedField }
        var colon = line.lowerBound
        while colon < line.upperBound, bytes[colon].isToken { colon += 1 }
        guard colon > line.lowerBound, colon < line.upperBound, bytes[colon] == UInt8(ascii: ":") else {
            throw .malformedFieldName
        }
        var (start, end) = (colon + 1, line.upperBound)
        while start < end, bytes[start].isBlank { start += 1 }
        while start < end, bytes[end - 1].isBlank { end -= 1 }
        guard !bytes.holdsControl(in: start..<end) else { throw .malformedFieldValue }
        name = ByteRange(line.lowerBound..<colon)
        value = ByteRange(start..<end)
    }
}
