/// Turns the inside of a JSON string, already checked, into the UTF-8 it stands for.
enum JSONUnescaper {
    /// Hands over the decoded bytes piece by piece: runs without an escape as they are, each escape on its own.
    static func unescape(_ contents: ArraySlice<UInt8>, into append: (ArraySlice<UInt8>) -> Void) {
        var rest = contents
        while let backslash = rest.firstIndex(of: UInt8(ascii: "\\")) {
            if backslash > rest.startIndex { append(rest[..<backslash]) }
            rest = rest[(backslash + 1)...]
            guard let letter = rest.popFirst() else { return }
            if letter == UInt8(ascii: "u") {
                append(ArraySlice(Unicode.Scalar.utf8(takeScalar(&rest))))
            } else {
                append([plain(letter)])
            }
        }
        if !rest.isEmpty { append(rest) }
    }

    private static func plain(_ letter: UInt8) -> UInt8 {
        switch letter {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: letter
        }
    }

    /// The scalar whose first four digits come next, with its second half if it needs and has one.
    private static func takeScalar(_ rest: inout ArraySlice<UInt8>) -> Unicode.Scalar {
        let replacement: Unicode.Scalar = "\u{FFFD}"
        let unit = hexadecimal(rest.prefix(4))
        rest = rest.dropFirst(4)
        guard UTF16.isLeadSurrogate(unit) else { return Unicode.Scalar(unit) ?? replacement }
        let following = rest.prefix(6)
        guard following.count == 6, following.starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) else {
            return replacement
        }
        let second = hexadecimal(following.dropFirst(2))
        guard UTF16.isTrailSurrogate(second) else { return replacement }
        rest = rest.dropFirst(6)
        let value = 0x10000 + (UInt32(unit & 0x3FF) << 10 | UInt32(second & 0x3FF))
        return Unicode.Scalar(value) ?? replacement
    }

    /// Digits that the parser has checked.
    private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt16 {
        digits.reduce(0) { value, digit in
            let number = digit <= UInt8(ascii: "9") ? digit & 15 : (digit & 15) + 9
            return value << 4 | UInt16(number)
        }
    }
}

extension Unicode.Scalar {
    fileprivate static func utf8(_ scalar: Unicode.Scalar) -> [UInt8] { Array(UTF8.encode(scalar) ?? .init()) }
}
