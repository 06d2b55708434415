internal import Glibc
internal import JSON

/// The shape that the ordinary chunks of a stream have in common: everything but the piece of text they carry.
///
/// An upstream writes thousands of chunks that differ in one short string. Once a chunk has been parsed, the next ones
/// are compared with the bytes before and after that string. Where both agree and the bytes between are plainly the
/// inside of a JSON string, the chunk is valid and says what the parsed one said, at a tenth of a parse's cost. Anything
/// else is parsed.
struct ChunkShape: Sendable {
    private var bytes: [UInt8] = []
    private var prefix = 0
    private var lessons = 0

    /// Shapes that are tried before a stream is taken for one without.
    private static let lessonLimit = 64

    private var suffix: Int { bytes.count - prefix }

    /// Remembers the shape of `chunk`, whose source is `payload`, if its only choice carries nothing but a piece of text.
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
        prefix = inside.lowerBound
        bytes.append(contentsOf: payload.prefix(inside.lowerBound))
        bytes.append(contentsOf: payload.dropFirst(inside.upperBound))
    }

    /// Whether `payload` has the shape.
    func fits(_ payload: ArraySlice<UInt8>) -> Bool {
        guard !bytes.isEmpty, payload.count > bytes.count else { return false }
        return unsafe bytes.withUnsafeBytes { shape in
            unsafe payload.withUnsafeBytes { other in
                guard let known = shape.baseAddress, let given = other.baseAddress else { return false }
                let text = prefix..<other.count - suffix
                guard unsafe memcmp(known, given, prefix) == 0,
                    unsafe memcmp(known + prefix, given + text.upperBound, suffix) == 0
                else { return false }
                return unsafe Self.isPlainText(UnsafeRawBufferPointer(rebasing: other[text]))
            }
        }
    }

    /// Printable ASCII without quotes; escapes and other alphabets are left to the parser.
    private static func isPlainText(_ text: UnsafeRawBufferPointer) -> Bool {
        var isPlain = true
        for index in 0..<text.count {
            let byte = unsafe text[index]
            if byte &- 0x20 >= 0x5F || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { isPlain = false }
        }
        return isPlain
    }
}
