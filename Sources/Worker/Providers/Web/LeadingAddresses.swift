/// A text that begins with addresses: what is found there is meant, and the rest says what to do with it.
///
/// Addresses are separated by single spaces, and the rest begins with the first word that is none.
struct LeadingAddresses {
    private static let most = 16
    private static let longest = 4096

    private(set) var addresses: [String] = []
    private(set) var rest: Substring

    init(_ text: String) {
        rest = text[...]
        while addresses.count < Self.most, rest.hasPrefix("https://") || rest.hasPrefix("http://") {
            let word = rest.prefix { $0 != " " && !$0.isNewline && $0 != "\t" }
            guard word.utf8.count <= Self.longest else { return }
            addresses.append(String(word))
            rest = rest[word.endIndex...]
            if let space = rest.first, space == " " || space.isNewline { rest.removeFirst() }
        }
    }
}
