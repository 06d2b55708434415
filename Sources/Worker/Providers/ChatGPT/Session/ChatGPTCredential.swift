internal import Core
internal import JSON

/// What somebody may give as the credential of an account. The one place that knows the kinds apart.
package struct ChatGPTCredential: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        /// Is shown as it is.
        case access(String)
        /// Is exchanged for an access token, at the application that it was made for.
        case refresh(String, client: String?)
        /// The value of the web page's log-in cookie; is exchanged as well.
        case cookie(String)
        /// None of these: a word that stands for an account elsewhere.
        case other(String)
    }

    package var kind: Kind
    /// The workspace to act in, of those the account belongs to.
    package var workspace: String?

    private static let oldRefreshLength = 45
    private static let newRefreshLength = 60
    static let cookieName = "__Secure-next-auth.session-token="

    /// `token`, `token,<workspace>`, and for refresh tokens `token|<client id>`.
    package init(_ text: String) {
        let parts = text.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
        let token = String(parts[0])
        workspace = parts.count == 2 && !parts[1].isEmpty ? String(parts[1]) : nil
        kind = Self.kind(of: token)
    }

    /// Whether a new access token can be had when the present one is refused.
    package var isRenewable: Bool {
        switch kind {
        case .refresh, .cookie: true
        case .access, .other: false
        }
    }

    private static func kind(of token: String) -> Kind {
        if token.hasPrefix("fk-") { return .access(token) }
        if token.hasPrefix("sess-") { return .cookie(String(token.dropFirst(5))) }
        if token.hasPrefix(cookieName) { return .cookie(String(token.dropFirst(cookieName.count))) }
        if token.hasPrefix("eyJhbGciOi") {
            // The cookie begins like an access token, but is an encrypted one, which has five parts.
            return token.split(separator: ".", omittingEmptySubsequences: false).count == 5
                ? .cookie(token) : .access(token)
        }
        let parts = token.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
        let client = parts.count == 2 && !parts[1].isEmpty ? String(parts[1]) : nil
        let refresh = String(parts[0])
        if refresh.utf8.count == oldRefreshLength
            || (refresh.hasPrefix("rt_") && refresh.utf8.count >= newRefreshLength)
        {
            return .refresh(refresh, client: client)
        }
        return .other(token)
    }
}
