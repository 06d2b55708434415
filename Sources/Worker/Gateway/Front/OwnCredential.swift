import JSON
import OpenAIAPI

/// A credential of a web application that a caller brings along with one request. It is used for that request in place of the
/// pool's accounts and is written nowhere.
enum OwnCredential {
    /// `metadata.cookie`; OpenAI's own metadata are left alone.
    static func find(in request: ModelRequest) -> String? {
        guard let cookie = request.document.root.present("metadata")?["cookie"]?.string, !cookie.isEmpty,
            cookie.utf8.count <= 16 << 10, cookie.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else { return nil }
        return cookie
    }
}
