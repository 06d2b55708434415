/// What the tables of tokens are arranged by; `scripts/make-vocabularies` computes the same.
enum TokenHash {
    private static let factor: UInt64 = 0xD6E8_FEB8_6659_FD93

    @inline(__always)
    static func hash(_ text: RawSpan, _ start: Int, _ count: Int) -> UInt64 {
        var value = UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15
        if count > 8 {
            // The last word may overlap the one before it.
            var at = start
            while at < start + count - 8 {
                mix(&value, word(text, at))
                at += 8
            }
            mix(&value, word(text, start + count - 8))
        } else if count >= 4 {
            let low = unsafe text.unsafeLoadUnaligned(fromByteOffset: start, as: UInt32.self)
            let high = unsafe text.unsafeLoadUnaligned(fromByteOffset: start + count - 4, as: UInt32.self)
            mix(&value, UInt64(low) | UInt64(high) << UInt64(8 * (count - 4)))
        } else if count > 0 {
            let middle = count / 2
            mix(
                &value,
                UInt64(text.byte(start)) | UInt64(text.byte(start + middle)) << UInt64(8 * middle)
                    | UInt64(text.byte(start + count - 1)) << UInt64(8 * (count - 1))
            )
        } else {
            mix(&value, 0)
        }
        value = value &* factor
        return value ^ value >> 29
    }

    @inline(__always)
    private static func mix(_ value: inout UInt64, _ word: UInt64) {
        value = (value ^ word) &* factor
        value ^= value >> 32
    }

    @inline(__always)
    private static func word(_ text: RawSpan, _ at: Int) -> UInt64 {
        unsafe text.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self)
    }
}

extension RawSpan {
    @inline(__always)
    func byte(_ offset: Int) -> UInt8 { unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self) }
}
