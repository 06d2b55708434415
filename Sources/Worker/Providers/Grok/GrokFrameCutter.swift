internal import Core

/// Finds the objects in an answer, wherever lines end and whatever stands between them: some senders glue them together,
/// some put `data:` before them. Each byte is looked at once.
struct GrokFrameCutter: Sendable {
    private let longest: Int
    private var buffer: [UInt8] = []
    private var place = 0
    /// Where the object begins that has not ended yet.
    private var start: Int?
    private var depth = 0
    private var isInText = false
    private var isEscaped = false
    private(set) var isTooLong = false

    init(longest: Int = 8 << 20) {
        self.longest = longest
    }

    /// Whether an object has begun and not ended.
    var hasPart: Bool { start != nil }

    mutating func receive(_ bytes: UnsafeRawBufferPointer) {
        guard !isTooLong else { return }
        unsafe buffer.append(contentsOf: bytes)
    }

    /// The next whole object; nothing until more bytes have come.
    mutating func next() -> [UInt8]? {
        let end = buffer.count
        while place < end {
            let byte = buffer[place]
            place += 1
            if isInText {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInText = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "{"):
                if depth == 0 { start = place - 1 }
                depth += 1
            case UInt8(ascii: "\"") where depth > 0: isInText = true
            case UInt8(ascii: "}") where depth > 0:
                depth -= 1
                if depth == 0, let first = start {
                    start = nil
                    return Array(buffer[first..<place])
                }
            default: break
            }
        }
        compact()
        return nil
    }

    /// Lets go of what was read.
    private mutating func compact() {
        let kept = start ?? buffer.count
        if kept > 0 {
            buffer.removeSubrange(..<kept)
            place -= kept
            if start != nil { start = 0 }
        }
        guard buffer.count > longest else { return }
        isTooLong = true
        buffer = []
        place = 0
        start = nil
    }
}
