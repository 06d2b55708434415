internal import Core

/// Which of a cluster's 16,384 slots a key belongs to.
enum HashSlot {
    static let count = 16_384

    /// The slot of the key's hash tag, the part between its first `{` and the next `}`, or of all of it when there is
    /// no such part or it is empty.
    static func of(_ key: some Collection<UInt8>) -> Int {
        if let open = key.firstIndex(of: UInt8(ascii: "{")) {
            let inside = key[key.index(after: open)...]
            if let close = inside.firstIndex(of: UInt8(ascii: "}")), close > inside.startIndex {
                return Int(checksum(inside[..<close])) % count
            }
        }
        return Int(checksum(key)) % count
    }

    static func of(_ key: RedisArgument) -> Int {
        switch key {
        case .literal(let text):
            text.withUTF8Buffer { bytes in unsafe of(bytes) }
        case .text(let text): of(text.utf8)
        case .bytes(let bytes): of(bytes)
        case .integer(let number): of(String(number).utf8)
        }
    }

    /// CRC-16/XMODEM, the one Redis uses.
    private static func checksum(_ bytes: some Sequence<UInt8>) -> UInt16 {
        var crc: UInt16 = 0
        for byte in bytes { crc = (crc << 8) ^ table[Int(UInt8(crc >> 8) ^ byte)] }
        return crc
    }

    private static let table: [UInt16] = (0..<256).map { byte in
        var crc = UInt16(byte) << 8
        for _ in 0..<8 { crc = crc & 0x8000 == 0 ? crc << 1 : (crc << 1) ^ 0x1021 }
        return crc
    }
}
