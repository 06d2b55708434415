extension Collection<UInt8> {
    /// The bytes with `%XX` undone, as a path segment wants it: a plus stays a plus. Nil when an escape is broken or
    /// when it hides a control character.
    package func percentDecoded() -> [UInt8]? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(count)
        var bytes = makeIterator()
        while let byte = bytes.next() {
            var plain = byte
            if byte == UInt8(ascii: "%") {
                guard let high = bytes.next()?.hexadecimalValue, let low = bytes.next()?.hexadecimalValue else {
                    return nil
                }
                plain = high << 4 | low
            }
            guard plain >= 0x20, plain != 0x7F else { return nil }
            decoded.append(plain)
        }
        return decoded
    }
}
