internal import Core

/// An account as people paste it: a credential, and behind four dashes what to remember it by.
package struct AccountLine: Sendable, Equatable {
    package let credential: String
    package let note: String
    package let tags: [String]

    package init(credential: String, note: String, tags: [String] = []) {
        self.credential = credential
        self.note = note
        self.tags = tags
    }

    /// Nothing for a line without a credential.
    init?(_ text: Substring, tags: [String] = []) {
        var end = text.startIndex
        while end < text.endIndex, !text[end...].hasPrefix("----") { end = text.index(after: end) }
        let given = Self.trimmed(text[..<end])
        // A header as it was copied out of a browser.
        credential = given.lowercased().hasPrefix("cookie:") ? Self.trimmed(given.dropFirst(7)) : given
        note = Self.trimmed(text[end...].dropFirst(4))
        self.tags = tags
        if credential.isEmpty { return nil }
    }

    func noted(_ note: String) -> AccountLine { AccountLine(credential: credential, note: note, tags: tags) }

    private static func trimmed(_ text: Substring) -> String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\u{FEFF}" }
        var text = text
        while let first = text.first, isBlank(first) { text.removeFirst() }
        while let last = text.last, isBlank(last) { text.removeLast() }
        return String(text)
    }
}
