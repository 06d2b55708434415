internal import JSON

extension ChatGPTCredential {
    /// Of several tokens of one account, the one that serves longest comes first.
    private static let names = [
        "refresh_token", "refreshToken", "session_token", "sessionToken", "access_token", "accessToken", "token",
    ]

    /// A credential as somebody has it: with its header's name, among a browser's other cookies, or in what the page itself
    /// tells of its session. Nothing for what is none.
    static func pasted(_ text: String) -> String? {
        if text.hasPrefix("{") {
            guard let object = (try? JSONDocument(parsing: Array(text.utf8)))?.root else { return nil }
            return names.lazy.compactMap { object.member(named: $0)?.string }.first { !$0.isEmpty }.flatMap(token)
        }
        let cookies = text.split(separator: ";").map { $0.drop { $0 == " " } }
        if let cookie = cookies.first(where: { $0.hasPrefix(cookieName) }) { return token(String(cookie)) }
        return token(text)
    }

    private static func token(_ text: String) -> String? {
        let isHeader = text.prefix(7).lowercased() == "bearer "
        let token = isHeader ? text.dropFirst(7).drop { $0 == " " } : text[...]
        let isSendable = token.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ";") }
        guard !token.isEmpty, isSendable, !token.hasPrefix("{") else { return nil }
        // One name for the cookie, so that one account is not taken for two.
        return token.hasPrefix(cookieName) ? "sess-" + token.dropFirst(cookieName.count) : String(token)
    }
}
