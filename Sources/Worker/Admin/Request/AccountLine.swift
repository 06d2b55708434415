internal import Core

/// An account as people paste it: a credential a line, and behind four dashes what to remember it by.
package struct AccountLine: Sendable, Equatable {
    package let credential: String
    package let note: String

    package init(credential: String, note: String) {
        self.credential = credential
        self.note = note
    }

    /// The lines of a text; empty ones are passed over.
    package static func lines(of text: [UInt8]) -> [AccountLine] {
        text.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }).compactMap { line in
            let text = line.text
            var end = text.startIndex
            while end < text.endIndex, !text[end...].hasPrefix("----") { end = text.index(after: end) }
            let credential = trimmed(text[..<end])
            guard !credential.isEmpty else { return nil }
            return AccountLine(credential: credential, note: trimmed(text[end...].dropFirst(4)))
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return String(text)
    }
}
