/// Byte classes of RFC 9110 and RFC 3986, each a bit map over ASCII.
extension UInt8 {
    static let cr: UInt8 = 0x0D
    static let lf: UInt8 = 0x0A
    static let tab: UInt8 = 0x09
    static let space: UInt8 = 0x20

    /// `tchar`: what methods, field names and parameters are made of.
    var isToken: Bool { isIn(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE) }

    /// What a host and port, a bracketed address or a percent-encoded name are made of: no user, path or list.
    var isAuthority: Bool { isIn(low: 0x2FFF_6FF2_0000_0000, high: 0x47FF_FFFE_AFFF_FFFE) }

    var isDigit: Bool { self &- 0x30 < 10 }
    var isBlank: Bool { self == .space || self == .tab }
    /// A visible ASCII character.
    var isVisible: Bool { self &- 0x21 < 0x5E }

    /// The value of a hexadecimal digit.
    var hexadecimalValue: UInt8? {
        switch self {
        case 0x30...0x39: self - 0x30
        case 0x41...0x46: self - 0x37
        case 0x61...0x66: self - 0x57
        default: nil
        }
    }

    private func isIn(low: UInt64, high: UInt64) -> Bool {
        guard self < 128 else { return false }
        return (self < 64 ? low : high) >> UInt64(self & 63) & 1 == 1
    }
}

extension UInt8 {
    var lowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }
}
