internal import Core

/// Keeps what others wrote, a web page that a tool fetched or a file, from looking like the tags in which a conversation is
/// told to a model: it can end no result, and begin no call.
enum ForgedTags {
    /// How the `<` of such a tag is spelt instead.
    enum Spelling {
        case entity
        /// Inside a JSON string.
        case jsonEscape

        var bytes: StaticString {
            switch self {
            case .entity: "&lt;"
            case .jsonEscape: "\\u003c"
            }
        }
    }

    /// What our tags begin with, behind a `<` and perhaps a `/`.
    private static let beginnings: [[UInt8]] = ["tool_", "function", "parameter", "arguments", "invoke"].map {
        Array($0.utf8)
    }

    /// The text with the `<` of anything that resembles one of our tags put differently; all other text stays as it is.
    static func defuse(_ text: String, as spelling: Spelling = .entity) -> String {
        guard text.utf8.contains(UInt8(ascii: "<")) else { return text }
        let bytes = Array(text.utf8)
        var output = ByteBuffer()
        var copied = 0
        for place in bytes.indices where bytes[place] == UInt8(ascii: "<") && beginsTag(bytes[(place + 1)...]) {
            output.append(copying: bytes[copied..<place])
            output.append(spelling.bytes)
            copied = place + 1
        }
        output.append(copying: bytes[copied...])
        return output.take().text
    }

    /// The text between quotes that delimit an attribute.
    static func attribute(_ text: String) -> String {
        var output = ""
        for character in text.unicodeScalars {
            switch character {
            case "\"": output += "&quot;"
            case "<": output += "&lt;"
            case ">": output += "&gt;"
            case "&": output += "&amp;"
            case "\n", "\r", "\t": output += " "
            default: output.unicodeScalars.append(character)
            }
        }
        return output
    }

    private static func beginsTag(_ bytes: ArraySlice<UInt8>) -> Bool {
        // Long runs of blanks are not followed: nothing reads them as a part of a tag.
        var rest = bytes.prefix(64).drop(while: Blank.isBlank)
        if rest.first == UInt8(ascii: "/") { rest = rest.dropFirst().drop(while: Blank.isBlank) }
        return beginnings.contains { beginning in
            rest.count >= beginning.count
                && zip(rest, beginning).allSatisfy { ($0 &- 65 < 26 ? $0 | 32 : $0) == $1 }
        }
    }
}
