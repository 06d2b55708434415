/// Base64 in both alphabets of RFC 4648, read strictly: each sequence of bytes has exactly one accepted spelling.
package struct Base64: Sendable {
    /// `+` and `/`, padded.
    package static let standard = Base64(last: "+/", isPadded: true)
    /// `-` and `_`, without padding, as tokens and URLs carry it.
    package static let url = Base64(last: "-_", isPadded: false)

    private let digits: [UInt8]
    /// The value of each byte, 255 where it is no digit.
    private let values: [UInt8]
    private let isPadded: Bool
    private static let padding = UInt8(ascii: "=")
    private static let noDigit: UInt8 = 255

    private init(last: StaticString, isPadded: Bool) {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789\(last)"
        digits = Array(alphabet.utf8)
        var values = [UInt8](repeating: Self.noDigit, count: 256)
        for (value, digit) in digits.enumerated() { values[Int(digit)] = UInt8(value) }
        self.values = values
        self.isPadded = isPadded
    }

    package func encode(_ bytes: [UInt8]) -> String { String(decoding: encodeBytes(bytes), as: UTF8.self) }

    /// The digits as ASCII, for those who write them into a buffer.
    package func encodeBytes(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var place = 0
        while place < bytes.count {
            let left = min(3, bytes.count - place)
            var group = UInt32(bytes[place]) << 16
            if left > 1 { group |= UInt32(bytes[place + 1]) << 8 }
            if left > 2 { group |= UInt32(bytes[place + 2]) }
            for digit in 0...left { text.append(digits[Int(group >> (18 - 6 * UInt32(digit)) & 63)]) }
            if isPadded { text.append(contentsOf: repeatElement(Self.padding, count: 3 - left)) }
            place += 3
        }
        return text
    }

    package func decode(_ text: String) -> [UInt8]? { decode(Array(text.utf8)) }

    /// Nil for foreign characters, white space, wrong padding and bits that are set behind the last byte.
    package func decode(_ text: [UInt8]) -> [UInt8]? {
        var end = text.count
        if isPadded {
            guard end.isMultiple(of: 4) else { return nil }
            for _ in 0..<2 where end > 0 && text[end - 1] == Self.padding { end -= 1 }
        }
        guard end % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(end * 3 / 4)
        var group: UInt32 = 0
        var bits: UInt32 = 0
        for digit in text[..<end] {
            let value = values[Int(digit)]
            guard value != Self.noDigit else { return nil }
            group = group << 6 | UInt32(value)
            bits += 6
            guard bits >= 8 else { continue }
            bits -= 8
            bytes.append(UInt8(truncatingIfNeeded: group >> bits))
        }
        guard group & ((1 << bits) - 1) == 0 else { return nil }
        return bytes
    }
}
