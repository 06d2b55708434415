internal import CSimdjson

/// Why a text is not JSON, or not JSON that we are willing to hold.
package struct JSONError: Error, Sendable, Equatable {
    package enum Kind: Sendable, CaseIterable {
        case empty
        case tooLong
        case tooDeep
        case tooManyValues
        case outOfMemory
        case invalidUTF8
        case controlCharacter
        case unclosedString
        case invalidEscape
        case invalidNumber
        case invalidLiteral
        case unexpectedCharacter
        case unexpectedEnd
        case trailingContent
    }

    package var kind: Kind
    /// Where the text was refused, in bytes from its start.
    package var offset: Int

    package init(_ kind: Kind, offset: Int) {
        self.kind = kind
        self.offset = offset
    }

    /// Whether the text may well be JSON and only passes one of our limits.
    package var isLimit: Bool {
        switch kind {
        case .tooLong, .tooDeep, .tooManyValues, .outOfMemory: true
        case .empty, .invalidUTF8, .controlCharacter, .unclosedString, .invalidEscape, .invalidNumber, .invalidLiteral,
            .unexpectedCharacter, .unexpectedEnd, .trailingContent:
            false
        }
    }

    /// What is wrong, without anything the sender wrote; reads well before "at byte 17".
    package var message: StaticString {
        switch kind {
        case .empty: "there is no value"
        case .tooLong: "the text is too long"
        case .tooDeep: "values are nested too deeply"
        case .tooManyValues: "there are too many values"
        case .outOfMemory: "there is no memory for the text"
        case .invalidUTF8: "invalid UTF-8"
        case .controlCharacter: "unescaped control character in a string"
        case .unclosedString: "a string is not closed"
        case .invalidEscape: "invalid escape in a string"
        case .invalidNumber: "invalid number"
        case .invalidLiteral: "expected true, false or null"
        case .unexpectedCharacter: "unexpected character"
        case .unexpectedEnd: "unexpected end"
        case .trailingContent: "unexpected content after the value"
        }
    }
}

extension JSONError: CustomStringConvertible {
    package var description: String { "invalid JSON at byte \(offset): \(message)" }
}

extension JSONError {
    /// Translates what the scanner reports; nil when it was content.
    init?(_ outcome: csimdjson_outcome) {
        let kind: Kind? =
            switch outcome.error {
            case CSIMDJSON_OK: nil
            case CSIMDJSON_EMPTY: .empty
            case CSIMDJSON_TOO_LONG: .tooLong
            case CSIMDJSON_TOO_DEEP: .tooDeep
            case CSIMDJSON_TOO_MANY_VALUES: .tooManyValues
            case CSIMDJSON_OUT_OF_MEMORY: .outOfMemory
            case CSIMDJSON_INVALID_UTF8: .invalidUTF8
            case CSIMDJSON_CONTROL_CHARACTER: .controlCharacter
            case CSIMDJSON_UNCLOSED_STRING: .unclosedString
            case CSIMDJSON_INVALID_ESCAPE: .invalidEscape
            case CSIMDJSON_INVALID_NUMBER: .invalidNumber
            case CSIMDJSON_INVALID_LITERAL: .invalidLiteral
            case CSIMDJSON_UNEXPECTED_END: .unexpectedEnd
            case CSIMDJSON_TRAILING_CONTENT: .trailingContent
            default: .unexpectedCharacter
            }
        guard let kind else { return nil }
        self.init(kind, offset: Int(outcome.offset))
    }
}
