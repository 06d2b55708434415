/// What JSON and people call white space.
enum Blank {
    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    /// Without the blanks around it and, if asked for, one pair of quotes inside of them.
    static func trimmed(_ bytes: ArraySlice<UInt8>, quotes: Bool = false) -> ArraySlice<UInt8> {
        var rest = bytes.drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        if quotes, rest.count >= 2, let first = rest.first, first == rest.last,
            first == UInt8(ascii: "\"") || first == UInt8(ascii: "'")
        {
            return rest.dropFirst().dropLast()
        }
        return rest
    }
}
