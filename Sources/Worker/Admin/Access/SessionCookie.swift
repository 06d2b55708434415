import Core
import Crypto
import HTTPCodec

/// The cookie that carries a session's token, and the token that proves a request was meant.
enum SessionCookie {
    static let name = "millrace_session"

    /// The token the client sent, if it looks like one.
    static func token(_ head: RequestHead) -> String? {
        for (field, value) in head.headers where field.equalsIgnoringCase("cookie") {
            for pair in value.split(separator: UInt8(ascii: ";")) {
                let trimmed = pair.drop { $0 == UInt8(ascii: " ") }
                guard let equals = trimmed.firstIndex(of: UInt8(ascii: "=")),
                    trimmed[..<equals].equals("millrace_session")
                else { continue }
                let token = trimmed[trimmed.index(after: equals)...]
                return token.count == 43 && token.allSatisfy(isTokenCharacter) ? token.text : nil
            }
        }
        return nil
    }

    /// `Set-Cookie` for a session that begins; the browser forgets it when the session is surely over.
    static func setting(_ token: String, seconds: Int, isSecure: Bool) -> String {
        "\(name)=\(token); Path=/admin; HttpOnly; SameSite=Strict; Max-Age=\(seconds)" + (isSecure ? "; Secure" : "")
    }

    /// `Set-Cookie` for a session that has ended.
    static func clearing(isSecure: Bool) -> String { setting("", seconds: 0, isSecure: isSecure) }

    /// What state-changing requests of the session must repeat in a header. Other sites cannot read it, and it does not
    /// tell the session's token.
    static func csrfToken(of token: String) throws(GatewayError) -> String {
        do throws(CryptoError) {
            return Base64.url.encode(
                try HMACSHA256.authenticate(Array("millrace csrf".utf8), key: Array(token.utf8))
            )
        } catch {
            throw GatewayError(.internalError, "The session could not be checked.")
        }
    }

    private static func isTokenCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
