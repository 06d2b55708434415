internal import Glibc
internal import JSON

/// The shape that the ordinary chunks of a stream have in common: everything but the piece of text they carry.
///
/// An upstream writes thousands of chunks that differ in one short string. Once a chunk has been parsed, the next events
/// are compared with the bytes before and after that string. Where both agree and the bytes between are plainly the
/// inside of a JSON string, the event is whole and valid and says what the parsed one said, at a tenth of a parse's cost.
/// Anything else is parsed.
struct ChunkShape: Sendable {
    /// The event without the text: its first bytes up to the text's quote, then its last from the other quote on.
    private var bytes: [UInt8] = []
    private var prefix = 0
    private var lessons = 0

    /// Shapes that are tried before a stream is taken for one without.
    private static let lessonLimit = 64

    /// Remembers the shape of `chunk`, the plain event with `payload`, if its only choice carries nothing but a piece of
    /// text.
    mutating func learn(_ chunk: JSONValue, _ payload: ArraySlice<UInt8>) {
        guard lessons < Self.lessonLimit else { return }
        lessons += 1
        bytes.removeAll(keepingCapacity: true)
        guard let choices = chunk["choices"], choices.count == 1, let choice = choices[0],
            choice["finish_reason"]?.isNull ?? true, chunk["usage"] == nil, let delta = choice["delta"],
            delta.count == 1, let text = delta["content"] ?? delta["reasoning_content"], text.isString,
            !text.isEmptyString
        else { return }
        // Positions are those of the parser's copy, which begins where the payload does.
        let inside = text.sourceRange.lowerBound + 1..<text.sourceRange.upperBound - 1
        bytes.append(contentsOf: "data: ".utf8)
        bytes.append(contentsOf: payload.prefix(inside.lowerBound))
        prefix = bytes.count
        bytes.append(contentsOf: payload.dropFirst(inside.upperBound))
        bytes.append(contentsOf: "\n\n".utf8)
    }

    /// Whether `event` is one of this shape.
    func fits(_ event: ArraySlice<UInt8>) -> Bool {
        unsafe event.withUnsafeBytes { event in
            let run = unsafe leadingEvents(in: event)
            return run.count == 1 && run.bytes == event.count
        }
    }

    /// How many whole events of this shape `stream` begins with, and how many bytes they are.
    func leadingEvents(in stream: UnsafeRawBufferPointer) -> (count: Int, bytes: Int) {
        let total = stream.count
        let suffix = bytes.count - prefix
        guard suffix > 0, let given = stream.baseAddress else { return (0, 0) }
        return unsafe bytes.withUnsafeBytes { shape in
            guard let known = shape.baseAddress else { return (0, 0) }
            var count = 0
            var place = 0
            while total - place > shape.count, unsafe memcmp(known, given + place, prefix) == 0 {
                let text = place + prefix
                let end = unsafe Self.endOfText(in: stream, from: text)
                guard end > text, total - end >= suffix, unsafe memcmp(known + prefix, given + end, suffix) == 0 else {
                    break
                }
                place = end + suffix
                count += 1
            }
            return (count, place)
        }
    }

    /// The first place that is not plainly inside a JSON string, which goes on with printable ASCII and the escapes of
    /// one letter; others, and other alphabets, are left to the parser.
    static func endOfText(in stream: UnsafeRawBufferPointer, from start: Int) -> Int {
        var place = start
        while true {
            unsafe place = endOfPrintable(in: stream, from: place)
            guard place + 1 < stream.count, unsafe stream[place] == UInt8(ascii: "\\") else { return place }
            switch unsafe stream[place + 1] {
            case UInt8(ascii: "n"), UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "t"), UInt8(ascii: "r"),
                UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"):
                place += 2
            default:
                return place
            }
        }
    }

    /// The first place that holds no printable ASCII, a quote, or a backslash; eight bytes are looked at together.
    private static func endOfPrintable(in stream: UnsafeRawBufferPointer, from start: Int) -> Int {
        var place = start
        while stream.count - place >= 8 {
            let word = unsafe UInt64(littleEndian: stream.loadUnaligned(fromByteOffset: place, as: UInt64.self))
            let odd = oddBytes(word)
            if odd != 0 { return place + odd.trailingZeroBitCount / 8 }
            place += 8
        }
        while place < stream.count {
            let byte = unsafe stream[place]
            if byte &- 0x20 >= 0x5F || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return place }
            place += 1
        }
        return place
    }

    /// Marks with its highest bit the first byte that is no printable ASCII, a quote or a backslash. Bytes behind it may
    /// be marked without cause, as the subtractions borrow from them.
    private static func oddBytes(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let control = (word &- ones &* 0x20) & ~word
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        let delete = word ^ (ones &* 0x7F)
        let equal =
            ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash) | ((delete &- ones) & ~delete)
        return (word | control | equal) & (ones &* 0x80)
    }
}
