/// A `data:` URL whose content is base64, as images and files come in requests. The content stays encoded: every vendor
/// wants it so.
package struct DataURL: Sendable {
    /// Lower case, without parameters; `text/plain` where the URL names none.
    package let mediaType: String
    package let base64: Substring

    /// Nil unless `text` is such a URL.
    package init?(_ text: String) {
        guard text.utf8.count > 5, text.prefix(5).lowercased() == "data:", let comma = text.firstIndex(of: ",") else {
            return nil
        }
        var parts = text[text.index(text.startIndex, offsetBy: 5)..<comma].split(
            separator: ";",
            omittingEmptySubsequences: false
        )
        guard parts.count > 1, parts.removeLast().lowercased() == "base64" else { return nil }
        let type = parts.first.map { $0.lowercased() } ?? ""
        // A name that is common and registered nowhere.
        mediaType = type == "image/jpg" ? "image/jpeg" : type.isEmpty ? "text/plain" : type
        base64 = text[text.index(after: comma)...]
        guard base64.utf8.allSatisfy(Self.isBase64) else { return nil }
    }

    private static func isBase64(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="):
            true
        default: false
        }
    }
}
