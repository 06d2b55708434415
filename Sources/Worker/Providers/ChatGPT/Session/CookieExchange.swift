internal import Core
internal import HTTPCodec
internal import JSON

/// The log-in cookie of the web page becomes an access token.
enum CookieExchange {
    private static let name = "__Secure-next-auth.session-token"
    /// The site itself cuts longer values.
    private static let longest = 3933

    static func request(_ value: String, _ settings: ChatGPTSettings) -> OutgoingRequest {
        OutgoingRequest(
            method: .get,
            url: settings.bases[0] + "/api/auth/session",
            headers: [
                HTTPHeader("Accept", "application/json"), HTTPHeader("User-Agent", settings.userAgent),
                HTTPHeader("Cookie", cookies(value, settings)),
            ]
        )
    }

    static func session(
        _ answer: DeskAnswer,
        of value: String,
        _ source: String,
        at now: Int
    ) throws(GatewayError) -> ChatGPTSession {
        guard answer.isSuccess else { throw ChatGPTFailure.make(answer.failed(at: now)) }
        guard let root = (try? JSONDocument(parsing: answer.body))?.root, root.isObject else { throw .unexpectedAnswer }
        guard let access = root["accessToken"]?.string, !access.isEmpty else { throw .renewalRefused("logged out") }
        return ChatGPTSession(
            source: source,
            access: access,
            expires: root["expires"]?.string.flatMap { RFC3339.seconds($0) },
            renewed: now,
            successor: rotated(answer.headers) ?? value,
            workspace: root["account"]?["id"]?.string
        )
    }

    private static func cookies(_ value: String, _ settings: ChatGPTSettings) -> String {
        var pairs: [String] = []
        if value.utf8.count <= longest {
            pairs.append("\(name)=\(value)")
        } else {
            var rest = value[...]
            while !rest.isEmpty {
                pairs.append("\(name).\(pairs.count)=\(rest.prefix(longest))")
                rest = rest.dropFirst(longest)
            }
        }
        if let others = settings.cookies { pairs.append(others) }
        return pairs.joined(separator: "; ")
    }

    /// The cookie that the answer sets in place of the one that was shown, put together again where it comes in parts.
    private static func rotated(_ headers: [HTTPHeader]) -> String? {
        var whole: String?
        var parts: [Int: String] = [:]
        for header in headers where header.name.lowercased() == "set-cookie" {
            let pair = header.value.prefix { $0 != ";" }
            guard pair.hasPrefix(name), let equals = pair.firstIndex(of: "=") else { continue }
            let value = String(pair[pair.index(after: equals)...])
            let suffix = pair[..<equals].dropFirst(name.count)
            if value.isEmpty { continue }
            if suffix.isEmpty {
                whole = value
            } else if suffix.first == ".", let place = Int(suffix.dropFirst()), (0..<16).contains(place) {
                parts[place] = value
            }
        }
        if let whole { return whole }
        guard !parts.isEmpty, (0..<parts.count).allSatisfy({ parts[$0] != nil }) else { return nil }
        return (0..<parts.count).compactMap { parts[$0] }.joined()
    }
}
