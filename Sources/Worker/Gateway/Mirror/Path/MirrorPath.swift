import Core
import HTTPCodec

/// A path of the site's, taken apart and written anew: what is judged here is, byte for byte, what the site will read.
///
/// Paths that could be read in two ways are refused: dots that climb, slashes in disguise, escapes of escapes, empty parts.
struct MirrorPath: Equatable {
    enum Base: String {
        /// What an account sees. `/backend-anon`, which is the same without an account, is read as this: every caller of the
        /// mirror has one.
        case account = "backend-api"
        /// What is the same for everybody.
        case open = "public-api"
    }

    let base: Base
    /// Decoded, without the base.
    let segments: [String]
    /// The same in lower case, to be judged by.
    let words: [String]
    let hasSlashAtEnd: Bool
    /// As it was sent, without the question mark.
    let query: String?

    private static let longest = 8192

    init(_ path: ArraySlice<UInt8>, query: ArraySlice<UInt8>?) throws(GatewayError) {
        guard path.first == UInt8(ascii: "/"), path.count <= Self.longest, query?.count ?? 0 <= Self.longest else {
            throw Self.refusal
        }
        var parts = path.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        switch parts.removeFirst() {
        case let name where name.equals("backend-api") || name.equals("backend-anon"): base = .account
        case let name where name.equals("public-api"): base = .open
        default: throw Self.refusal
        }
        hasSlashAtEnd = parts.count > 1 && parts.last?.isEmpty == true
        if hasSlashAtEnd { parts.removeLast() }
        var segments: [String] = []
        for part in parts {
            guard let decoded = part.percentDecoded(), let text = String(validating: decoded, as: UTF8.self),
                Self.isPlain(text)
            else { throw Self.refusal }
            segments.append(text)
        }
        self.segments = segments
        words = segments.map { $0.lowercased() }
        self.query = query.map { String(decoding: $0, as: UTF8.self) }
    }

    private static func isPlain(_ segment: String) -> Bool {
        !segment.isEmpty && !segment.hasPrefix("..") && segment != "."
            && !segment.utf8.contains { byte in
                switch byte {
                case UInt8(ascii: "/"), UInt8(ascii: "\\"), UInt8(ascii: "%"), UInt8(ascii: "?"), UInt8(ascii: "#"),
                    UInt8(ascii: ";"):
                    true
                default: false
                }
            }
    }

    private static var refusal: GatewayError { .invalid(nil, "This path cannot be passed on.") }

    /// Path and query as they go to the site.
    var target: String {
        var text = "/" + base.rawValue
        for segment in segments {
            text += "/"
            for byte in segment.utf8 { Self.append(byte, to: &text) }
        }
        if hasSlashAtEnd { text += "/" }
        if let query { text += "?" + query }
        return text
    }

    private static func append(_ byte: UInt8, to text: inout String) {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"), UInt8(ascii: "@"), UInt8(ascii: ":"), UInt8(ascii: "$"), UInt8(ascii: ","):
            text.unicodeScalars.append(Unicode.Scalar(byte))
        default:
            text += "%"
            if byte < 16 { text += "0" }
            text += String(byte, radix: 16, uppercase: true)
        }
    }

    /// Whether these are the path's first words.
    func begins(with prefix: [String]) -> Bool { words.starts(with: prefix) }

    /// Whether the answer is known without asking: the site's pages ask for these, and nobody needs them.
    var isAnsweredHere: Bool {
        words.last?.hasSuffix(".js.map") == true || words.starts(with: ["cdn-cgi", "challenge-platform"])
            || words.starts(with: ["api", "v2", "logs"])
    }
}
