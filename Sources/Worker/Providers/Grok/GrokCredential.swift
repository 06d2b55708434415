internal import Core

/// An account's cookies, in any of the ways in which people write them down: the value of `sso` alone, with its name before
/// it, or all that a browser sends.
struct GrokCredential: Sendable, Equatable {
    struct Cookie: Sendable, Equatable {
        var name: String
        var value: String
    }

    private static let longest = 16 << 10

    let cookies: [Cookie]

    /// Nothing where there is no session in it, or what cannot stand in a header.
    init?(_ text: String) {
        let text = Self.cleaned(text)
        guard !text.isEmpty, text.utf8.count <= Self.longest else { return nil }
        var cookies =
            text.contains("=")
            ? Self.cookies(in: text) : [Cookie(name: "sso", value: String(text.prefix { $0 != ";" }))]
        guard let session = cookies.first(where: { $0.name == "sso" })?.value, !session.isEmpty,
            cookies.allSatisfy({ Self.isSendable($0.name) && Self.isSendable($0.value) })
        else { return nil }
        // The application sets both at once, and expects both.
        if !cookies.contains(where: { $0.name == "sso-rw" }) {
            let place = cookies.firstIndex { $0.name == "sso" } ?? 0
            cookies.insert(Cookie(name: "sso-rw", value: session), at: place + 1)
        }
        self.cookies = cookies
    }

    /// How the account is written down: the shortest form, so that one account is not taken for two.
    var text: String {
        let others = cookies.filter { $0.name != "sso" && $0.name != "sso-rw" }
        guard let session = cookies.first(where: { $0.name == "sso" }) else { return "" }
        return others.isEmpty ? session.value : Self.header([session] + others)
    }

    /// The header, with the operator's cookies beside the account's own.
    func header(_ others: [Cookie]) -> String {
        Self.header(cookies + others.filter { other in !cookies.contains { $0.name == other.name } })
    }

    static func cookies(in text: String) -> [Cookie] {
        text.split(separator: ";").compactMap { pair in
            let trimmed = pair.drop { $0 == " " }
            guard let mark = trimmed.firstIndex(of: "="), mark != trimmed.startIndex else { return nil }
            return Cookie(name: String(trimmed[..<mark]), value: String(trimmed[trimmed.index(after: mark)...]))
        }
    }

    /// Whether a header may hold this as it is.
    static func isSendable(_ text: String) -> Bool { text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }

    private static func header(_ cookies: [Cookie]) -> String {
        cookies.map { "\($0.name)=\($0.value)" }.joined(separator: "; ")
    }

    /// What copying out of documents and chats leaves in a token is taken out.
    private static func cleaned(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x2010...0x2015, 0x2212, 0xFE58, 0xFE63, 0xFF0D: result.append("-")
            case 0x200B...0x200D, 0x2060, 0xFEFF: continue
            case _ where scalar.properties.isWhitespace: continue
            default: result.append(scalar)
            }
        }
        return String(result)
    }
}
