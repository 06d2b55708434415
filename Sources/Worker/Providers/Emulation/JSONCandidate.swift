internal import Core

/// A JSON value that may be a call, or the arguments of one.
struct JSONCandidate: Sendable {
    enum Kind: Sendable {
        /// A call or a list of them.
        case calls
        /// The arguments of a call whose name is known: an object, or a text that has one.
        case arguments
    }

    enum Outcome {
        case more
        case complete
        /// It is not valid JSON, and probably ends before that place in the text.
        case broken(end: Int)
        /// It is no call.
        case none
    }

    /// What the first strings of a value show.
    private enum Head {
        case key
        case name
        case type
        case settled
    }

    let kind: Kind
    /// Where it begins in the candidate's text.
    let start: Int
    private let tools: CallableTools
    private var scanner = ArgumentScanner()
    private var head: Head
    private var stringStart = 0
    /// Where an end tag stands in the string that is open, or was the last: if that string turns out to lack its quote, it
    /// ends there.
    private(set) var suspect: Int?

    init(_ kind: Kind, from start: Int, _ tools: CallableTools) {
        self.kind = kind
        self.start = start
        self.tools = tools
        head = kind == .calls ? .key : .settled
    }

    /// Whether it is so much like a call that it is held back up to its end.
    var isCommitted: Bool {
        if case .settled = head { return true }
        return false
    }

    /// Takes the last byte of `text`.
    mutating func take(_ byte: UInt8, in text: [UInt8]) -> Outcome {
        let wasInString = scanner.isInString
        switch scanner.take(byte) {
        case .more:
            if wasInString {
                if byte == UInt8(ascii: ">"), suspect == nil {
                    suspect = CallTags.end(of: .ends, in: text, from: start)
                }
            } else if scanner.isInString {
                stringStart = text.count
                suspect = nil
            } else if !Blank.isBlank(byte) {
                suspect = nil
                if !isCommitted { return takeInHead(byte) }
            }
            return .more
        case .stringEnded: return isCommitted ? .more : takeInHead(text[stringStart..<text.count - 1])
        case .complete: return .complete
        case .invalid:
            guard isCommitted else { return .none }
            if let suspect { return .broken(end: suspect) }
            // A tag or a fence: brackets are missing before it.
            let isEnd = byte == UInt8(ascii: "<") || byte == UInt8(ascii: "`")
            return isEnd ? .broken(end: text.count - 1) : .none
        }
    }

    /// Between the first strings stands nothing but the brackets that a call or a list begins with.
    private func takeInHead(_ byte: UInt8) -> Outcome {
        let fits =
            switch head {
            case .key:
                byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") && scanner.depth == 1
                    || byte == UInt8(ascii: ",")
            case .name, .type: byte == UInt8(ascii: ":")
            case .settled: true
            }
        return fits ? .more : .none
    }

    private mutating func takeInHead(_ string: ArraySlice<UInt8>) -> Outcome {
        switch head {
        case .key:
            if SpokenCall.nameKeys.contains(where: { string.equals($0) }) {
                head = .name
            } else if string.equals("type") {
                head = .type
            } else if (SpokenCall.argumentKeys + SpokenCall.wrapperKeys).contains(where: { string.equals($0) }) {
                head = .settled
            } else {
                return .none
            }
        case .name:
            guard tools.name(string) != nil else { return .none }
            head = .settled
        case .type:
            guard SpokenCall.types.contains(where: { string.equals($0) }) else { return .none }
            head = .key
        case .settled: break
        }
        return .more
    }
}
