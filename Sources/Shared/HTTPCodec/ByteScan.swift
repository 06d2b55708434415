import Glibc

/// The few loops over raw memory that the decoders live on; everything else in this module is bounds-checked.
extension Span where Element == UInt8 {
    /// The first place at or after `start` that holds `byte`.
    func firstIndex(of byte: UInt8, from start: Int) -> Int? {
        precondition(start >= 0, "a search starts inside the bytes")
        guard start < count else { return nil }
        return unsafe withUnsafeBytes { all in
            guard let base = all.baseAddress,
                let hit = unsafe memchr(base + start, Int32(byte), all.count - start)
            else { return nil }
            return unsafe UnsafeRawPointer(hit) - base
        }
    }

    /// Whether `range` holds a byte that may not stand in a field value: any control but the tab. Has no early exit,
    /// which lets the compiler look at sixteen bytes at a time.
    func holdsControl(in range: Range<Int>) -> Bool {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "the range lies inside the bytes")
        return unsafe withUnsafeBufferPointer { all in
            var controls: UInt8 = 0
            for place in range {
                let byte = unsafe all[place]
                let isControl = (byte < 0x20 && byte != 0x09) || byte == 0x7F
                controls |= isControl ? 1 : 0
            }
            return controls != 0
        }
    }

    /// Whether `range` spells `text`, letters compared without their case; `text` must be lower case.
    func equalsIgnoringCase(_ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { wanted in
            for place in 0..<wanted.count {
                let byte = self[range.lowerBound + place]
                guard unsafe byte.lowercased == wanted[place] else { return false }
            }
            return true
        }
    }

    /// Whether `range` spells `text` exactly.
    func equals(_ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { wanted in
            for place in 0..<wanted.count {
                guard unsafe self[range.lowerBound + place] == wanted[place] else { return false }
            }
            return true
        }
    }
}

/// Remembers how far a stream was searched for one byte value, so that no byte is looked at twice however the stream
/// was cut and however often the question is asked.
struct ByteFinder: Sendable {
    private let byte: UInt8
    /// Where the byte was last found, or up to where it is known to be absent.
    private var position = 0
    private var isFound = false

    init(_ byte: UInt8) { self.byte = byte }

    mutating func first(in bytes: borrowing Span<UInt8>, from start: Int) -> Int? {
        if isFound, position >= start { return position }
        if let hit = bytes.firstIndex(of: byte, from: max(start, position)) {
            (position, isFound) = (hit, true)
            return hit
        }
        (position, isFound) = (max(start, bytes.count), false)
        return nil
    }

    /// The first `count` bytes are gone.
    mutating func shift(by count: Int) {
        if position < count { isFound = false }
        position = max(0, position - count)
    }
}
