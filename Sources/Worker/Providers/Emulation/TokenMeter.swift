/// Counts the tokens of a text that comes in pieces, and cuts it where they reach a limit.
///
/// Tokens do not care for the borders of pieces, but blanks are found at their beginnings only: what is before the last
/// word is counted once, the last word again as long as it grows. As no token is shorter than a byte, nothing is counted
/// while there is room for more bytes than there are.
struct TokenMeter: Sendable {
    /// Text that waits for being counted; longer words are counted in parts.
    private static let pendingLimit = 16 << 10
    private static let wordLimit = 256
    /// So much is counted at once where the limit is near.
    private static let stride = 4 << 10

    private let limit: Int
    private let count: @Sendable (String) -> Int
    private var counted = 0
    private var pending = ""

    init(limit: Int, _ count: @escaping @Sendable (String) -> Int) {
        self.limit = limit
        self.count = count
    }

    /// As much of the text as there is room for.
    mutating func take(_ text: String) -> String {
        if add(text, isCertain: true) { return text }
        var rest = text[...]
        while !rest.isEmpty {
            let part = Self.beginning(of: rest)
            if !add(String(part), isCertain: false) {
                return String(text[..<part.startIndex]) + cut(part)
            }
            rest = rest[part.endIndex...]
        }
        return text
    }

    private mutating func add(_ text: String, isCertain: Bool) -> Bool {
        if pending.utf8.count > Self.pendingLimit || !isCertain { settle() }
        let fits = counted + pending.utf8.count + text.utf8.count <= limit
        guard fits || !isCertain && counted + count(pending + text) <= limit else { return false }
        pending += text
        return true
    }

    /// The most characters that there is room for.
    private func cut(_ text: Substring) -> String {
        let characters = Array(text)
        var fitting = 0
        var tooMany = characters.count
        while fitting + 1 < tooMany {
            let middle = (fitting + tooMany) / 2
            if counted + count(pending + String(characters[..<middle])) <= limit {
                fitting = middle
            } else {
                tooMany = middle
            }
        }
        return String(characters[..<fitting])
    }

    /// Counts what waits, up to its last word, which begins with the blank before it.
    private mutating func settle() {
        let bytes = pending.utf8
        guard let border = bytes.lastIndex(of: 0x20) ?? (bytes.count > Self.wordLimit ? bytes.endIndex : nil),
            border > bytes.startIndex
        else { return }
        counted += count(String(pending[..<border]))
        pending = String(pending[border...])
    }

    /// At most a stride of it, up to the border of a character's code.
    private static func beginning(of text: Substring) -> Substring {
        let bytes = text.utf8
        guard bytes.count > stride else { return text }
        var end = bytes.index(bytes.startIndex, offsetBy: stride)
        while end > bytes.startIndex, bytes[end] & 0xC0 == 0x80 { end = bytes.index(before: end) }
        return end > bytes.startIndex ? text[..<end] : text
    }
}
