internal import Core

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

/// Reads one tag behind its `<`, and gives up at the first byte with which it can be none of those that may stand here.
struct TagReader: Sendable {
    enum Outcome {
        case more
        case mismatch
        case tag(CallTags, value: String)
    }

    private enum State {
        case word
        /// Behind the word: attributes, which nobody asked for.
        case attributes(CallTags)
        case value(CallTags)
    }

    /// Longer tags are none of ours.
    private static let limit = 128

    private let allowed: CallTags
    private var state = State.word
    private var word: [UInt8] = []
    private var value: [UInt8] = []
    private var length = 0

    init(_ allowed: CallTags) {
        self.allowed = allowed
    }

    mutating func take(_ byte: UInt8) -> Outcome {
        length += 1
        if length > Self.limit || byte == UInt8(ascii: "<") || byte == 0x0A { return .mismatch }
        let isEnd = byte == UInt8(ascii: ">")
        switch state {
        case .word:
            if isEnd { return exact.map { .tag($0, value: "") } ?? .mismatch }
            return takeWord(byte)
        case .attributes(let tag):
            return isEnd ? .tag(tag, value: "") : .more
        case .value(let tag):
            if isEnd { return .tag(tag, value: Blank.trimmed(value[...], quotes: true).text) }
            value.append(byte)
            return .more
        }
    }

    private mutating func takeWord(_ byte: UInt8) -> Outcome {
        if Blank.isBlank(byte) {
            if word.isEmpty || word.count == 1 && word[0] == UInt8(ascii: "/") { return .more }
            guard let tag = exact else { return .mismatch }
            state = .attributes(tag)
            return .more
        }
        word.append(byte &- 65 < 26 ? byte | 32 : byte)
        guard let candidate = first(where: { $0.starts(with: word) }) else { return .mismatch }
        if candidate.word.count == word.count, byte == UInt8(ascii: "=") { state = .value(candidate.tag) }
        return .more
    }

    private var exact: CallTags? { first { $0 == word }?.tag }

    private func first(where fits: ([UInt8]) -> Bool) -> CallTags.Spelling? {
        for spelling in CallTags.spellings where allowed.contains(spelling.tag) && fits(spelling.word) {
            return spelling
        }
        return nil
    }
}
