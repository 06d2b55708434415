internal import Crypto

/// The two hashes that the site's puzzle has been seen with.
package enum PuzzleHash: String, Sendable {
    case sha3
    /// FNV-1a of 32 bits, stirred once more at the end.
    case fnv1a

    /// What answers to this kind end with.
    var suffix: String { self == .fnv1a ? "~S" : "" }
    /// How many hexadecimal digits there are.
    var digitCount: Int { self == .fnv1a ? 8 : 128 }

    /// The 32 bits of FNV-1a over both texts.
    static func fnv1a(_ first: [UInt8], _ second: [UInt8]) -> UInt32 {
        var hash: UInt32 = 2_166_136_261
        for byte in first { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        for byte in second { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        hash ^= hash >> 16
        hash = hash &* 2_246_822_507
        hash ^= hash >> 13
        hash = hash &* 3_266_489_909
        return hash ^ hash >> 16
    }
}
