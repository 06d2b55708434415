internal import CVocabularies

/// A published way of turning text into tokens. Text that reads like a special token is ordinary text.
///
/// Whatever is no UTF-8 counts as U+FFFD, one for each part that a decoder would replace.
package enum TokenEncoding: String, Sendable, CaseIterable {
    case cl100kBase = "cl100k_base"
    case o200kBase = "o200k_base"

    /// What a model counts by; the newer encoding for models nobody has told of.
    package init(forModel model: String) {
        var name = model.utf8[...]
        if let slash = name.lastIndex(of: UInt8(ascii: "/")) { name = name[name.index(after: slash)...] }
        if name.starts(with: "ft:".utf8) { name = name.dropFirst(3) }
        let older = ["gpt-4-", "gpt-3.5", "gpt-35", "text-embedding-3-", "text-embedding-ada-002"]
        let isOlder = name.elementsEqual("gpt-4".utf8) || older.contains { name.starts(with: $0.utf8) }
        self = isOlder ? .cl100kBase : .o200kBase
    }

    /// How many tokens a text is.
    package func count(_ text: Span<UInt8>) -> Int {
        var count = 0
        scan(text) { _ in count += 1 }
        return count
    }

    package func count(_ text: [UInt8]) -> Int { count(text.span) }

    package func encode(_ text: Span<UInt8>) -> [Int] {
        var tokens: [Int] = []
        scan(text) { tokens.append(Int($0)) }
        return tokens
    }

    package func encode(_ text: [UInt8]) -> [Int] { encode(text.span) }

    /// The bytes that tokens stand for, which need not be whole characters; nil where a number is no ordinary token.
    package func decode(_ tokens: [Int]) -> [UInt8]? {
        let vocabulary = vocabulary
        var text: [UInt8] = []
        for token in tokens where !vocabulary.append(token, to: &text) { return nil }
        return text
    }

    /// How many ordinary tokens there are; their numbers begin at zero.
    package var tokenCount: Int { vocabulary.count }

    var vocabulary: Vocabulary {
        switch self {
        case .cl100kBase: unsafe Vocabulary(cvocabularies_cl100k_base())
        case .o200kBase: unsafe Vocabulary(cvocabularies_o200k_base())
        }
    }

    @inline(__always)
    private func scan(_ text: Span<UInt8>, _ take: (UInt32) -> Void) {
        if (try? UTF8Span(validating: text)) != nil {
            unsafe scan(valid: text.bytes, take)
        } else {
            let repaired = unsafe text.withUnsafeBufferPointer {
                unsafe Array(String(decoding: $0, as: UTF8.self).utf8)
            }
            unsafe scan(valid: repaired.span.bytes, take)
        }
    }

    @inline(__always)
    private func scan(valid text: RawSpan, _ take: (UInt32) -> Void) {
        let splitter = Splitter(rules: self == .cl100kBase ? .cl100k : .o200k)
        var merger = PieceMerger(vocabulary)
        var start = 0
        while start < text.byteCount {
            let end = splitter.end(text, start)
            merger.merge(text, start, end - start, take)
            start = end
        }
    }
}
