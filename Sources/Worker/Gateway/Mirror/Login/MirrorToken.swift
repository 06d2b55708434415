import Core
import HTTPCodec

/// What a visitor shows to say who it is.
struct MirrorToken: Equatable {
    /// The word itself: a token of the visitor's own, or a seed.
    let text: String
    /// From the log-in page's cookie, which browsers send along whoever made them ask.
    let isFromCookie: Bool

    static let cookie: StaticString = "oai-flow-token"
    private static let longest = 8192

    init(_ text: String, isFromCookie: Bool) {
        self.text = text
        self.isFromCookie = isFromCookie
    }

    /// A header says more than a cookie.
    init?(_ head: RequestHead) {
        for name in ["authorization", "x-authorization"] as [StaticString] {
            guard let value = head.first(name), let bearer = Self.bearer(value) else { continue }
            guard let text = Self.checked(Array(bearer)) else { return nil }
            self.init(text, isFromCookie: false)
            return
        }
        guard let value = Cookies.value(of: Self.cookie, in: head), let bytes = value.percentDecoded(),
            let text = Self.checked(bytes)
        else { return nil }
        self.init(text, isFromCookie: true)
    }

    /// Visible text without blanks around it.
    static func checked(_ bytes: [UInt8]) -> String? {
        guard !bytes.isEmpty, bytes.count <= longest, bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func bearer(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard value.count > 7, value.prefix(7).equalsIgnoringCase("bearer ") else { return nil }
        return value.dropFirst(7).drop { $0 == UInt8(ascii: " ") }
    }

    /// As a cookie's value.
    var cookieValue: String {
        var value = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                value.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                value += "%"
                if byte < 16 { value += "0" }
                value += String(byte, radix: 16, uppercase: true)
            }
        }
        return value
    }
}
