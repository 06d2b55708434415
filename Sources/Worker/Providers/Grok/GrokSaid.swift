/// Remembers how much of an answer was said, and enough of what it was to know it again.
struct GrokSaid: Sendable {
    private var count = 0
    private var digest = Self.start

    private static let start: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ text: String) {
        for byte in text.utf8 { Self.add(byte, to: &digest) }
        count += text.utf8.count
    }

    /// What follows in `whole` on what was said; nothing where that is not how it begins.
    func rest(of whole: String) -> String {
        let bytes = Array(whole.utf8)
        guard bytes.count > count else { return "" }
        var digest = Self.start
        for byte in bytes[..<count] { Self.add(byte, to: &digest) }
        return digest == self.digest ? String(decoding: bytes[count...], as: UTF8.self) : ""
    }

    /// FNV-1a: nobody gains by a collision.
    private static func add(_ byte: UInt8, to digest: inout UInt64) {
        digest = (digest ^ UInt64(byte)) &* 0x100_0000_01B3
    }
}
