import Core
import HTTPCodec

/// User name and password of a Basic `Authorization` header (RFC 7617, in UTF-8).
struct BasicCredentials {
    let username: String
    let password: String

    /// Nil unless the header is well formed.
    init?(_ value: ArraySlice<UInt8>) {
        guard value.count > 6, value.prefix(6).equalsIgnoringCase("basic ") else { return nil }
        let text = value.dropFirst(6).drop { $0 == UInt8(ascii: " ") }
        guard let bytes = Base64.standard.decode(Array(text)), let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
            let username = String(validating: bytes[..<colon], as: UTF8.self),
            let password = String(validating: bytes[(colon + 1)...], as: UTF8.self)
        else { return nil }
        self.username = username
        self.password = password
    }
}
