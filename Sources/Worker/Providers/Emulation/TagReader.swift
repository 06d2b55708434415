internal import Core

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
