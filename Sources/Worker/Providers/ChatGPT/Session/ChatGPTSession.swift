internal import Core
internal import JSON

/// An account's access token and how the next one is got, as the cluster remembers it.
package struct ChatGPTSession: Sendable, Equatable {
    /// A digest of the credential it was made of: another one has nothing to do with it.
    var source: String
    package var access: String
    /// When it is no longer to be used, in seconds since 1970.
    var expires: Int
    /// When it was had.
    var renewed: Int
    /// What is exchanged next time, where that has changed: upstreams take each refresh token once.
    package var successor: String?
    /// The workspace that the log-in belongs to, where the upstream says.
    var workspace: String?

    /// Refresh tokens outlive what is made of them; nobody says for how long.
    static let memory = 180 * 86_400
    /// A token is not used in its last moments, nor forever whatever it says.
    private static let margin = 300
    private static let longest = 5 * 86_400

    init(
        source: String,
        access: String,
        expires: Int?,
        renewed: Int,
        successor: String? = nil,
        workspace: String? = nil
    ) {
        self.source = source
        self.access = access
        let said = AccessTokenClaims(access)?.expires ?? expires ?? renewed + Self.longest
        self.expires = min(said - Self.margin, renewed + Self.longest)
        self.renewed = renewed
        self.successor = successor
        self.workspace = workspace
    }

    init?(_ bytes: [UInt8]) {
        guard let root = (try? JSONDocument(parsing: bytes))?.root, let source = root["source"]?.string,
            let access = root["access"]?.string, let expires = root["expires"]?.int, let renewed = root["renewed"]?.int
        else { return nil }
        self.source = source
        self.access = access
        self.expires = expires
        self.renewed = renewed
        successor = root["successor"]?.string
        workspace = root["workspace"]?.string
    }

    var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("source", source)
        writer.member("access", access)
        writer.member("expires", expires)
        writer.member("renewed", renewed)
        if let successor { writer.member("successor", successor) }
        if let workspace { writer.member("workspace", workspace) }
        writer.endObject()
        return writer.take()
    }
}
