import Core
import HTTPCodec

/// Cookies of requests and answers, as bytes that can do no harm in a header line.
enum Cookies {
    /// The first cookie of that name that a client sent.
    static func value(of name: StaticString, in head: RequestHead) -> ArraySlice<UInt8>? {
        for (field, value) in head.headers where field.equalsIgnoringCase("cookie") {
            for pair in value.split(separator: UInt8(ascii: ";")) {
                if let found = plainValue(of: name, in: pair) { return found }
            }
        }
        return nil
    }

    /// The value where a `Set-Cookie` sets a cookie of that name.
    static func value(of name: StaticString, set line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        plainValue(of: name, in: line.prefix { $0 != UInt8(ascii: ";") })
    }

    private static func plainValue(of name: StaticString, in pair: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let trimmed = pair.drop { $0 == UInt8(ascii: " ") }
        guard let equals = trimmed.firstIndex(of: UInt8(ascii: "=")), trimmed[..<equals].equals(name) else {
            return nil
        }
        let value = trimmed[trimmed.index(after: equals)...]
        return !value.isEmpty && value.count <= 8192 && value.allSatisfy(isPlain) ? value : nil
    }

    /// What a cookie's value may be made of (RFC 6265).
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x21, 0x23...0x2B, 0x2D...0x3A, 0x3C...0x5B, 0x5D...0x7E: true
        default: false
        }
    }
}
