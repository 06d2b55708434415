/// The tags with which models spell calls, as a set: at each place only some of them may stand.
struct CallTags: OptionSet, Sendable {
    let rawValue: UInt16

    static let calls = CallTags(rawValue: 1 << 0)
    static let call = CallTags(rawValue: 1 << 1)
    static let name = CallTags(rawValue: 1 << 2)
    static let parameters = CallTags(rawValue: 1 << 3)
    static let function = CallTags(rawValue: 1 << 4)
    static let parameter = CallTags(rawValue: 1 << 5)
    static let callsEnd = CallTags(rawValue: 1 << 6)
    static let callEnd = CallTags(rawValue: 1 << 7)
    static let nameEnd = CallTags(rawValue: 1 << 8)
    static let parametersEnd = CallTags(rawValue: 1 << 9)
    static let functionEnd = CallTags(rawValue: 1 << 10)
    static let parameterEnd = CallTags(rawValue: 1 << 11)

    /// Where a call may begin.
    static let openings: CallTags = [.calls, .call, .function]

    /// What may end the arguments of a call.
    static let ends: CallTags = [.parametersEnd, .callEnd, .callsEnd, .functionEnd]

    struct Spelling: Sendable {
        let word: [UInt8]
        let tag: CallTags

        init(_ word: StaticString, _ tag: CallTags) {
            self.word = word.withUTF8Buffer { unsafe Array($0) }
            self.tag = tag
        }
    }

    /// A word that ends with `=` is followed by a value.
    static let spellings = [
        Spelling("tool_calls", .calls), Spelling("function_calls", .calls),
        Spelling("tool_call", .call), Spelling("function_call", .call),
        Spelling("tool_name", .name), Spelling("name", .name),
        Spelling("parameters", .parameters), Spelling("arguments", .parameters),
        Spelling("function=", .function), Spelling("parameter=", .parameter),
        Spelling("/tool_calls", .callsEnd), Spelling("/function_calls", .callsEnd),
        Spelling("/tool_call", .callEnd), Spelling("/function_call", .callEnd),
        Spelling("/tool_name", .nameEnd), Spelling("/name", .nameEnd),
        Spelling("/parameters", .parametersEnd), Spelling("/arguments", .parametersEnd),
        Spelling("/function", .functionEnd), Spelling("/parameter", .parameterEnd),
    ]
}

extension CallTags {
    /// Where the tag begins that `text` ends with, if it is one of `tags`, plainly spelt, and not before `start`.
    static func end(of tags: CallTags, in text: [UInt8], from start: Int) -> Int? {
        guard text.last == UInt8(ascii: ">") else { return nil }
        for spelling in spellings where tags.contains(spelling.tag) {
            let place = text.count - spelling.word.count - 2
            guard place >= start, text[place] == UInt8(ascii: "<") else { continue }
            let word = text[(place + 1)..<(text.count - 1)]
            if word.elementsEqual(spelling.word, by: { ($0 &- 65 < 26 ? $0 | 32 : $0) == $1 }) { return place }
        }
        return nil
    }
}
