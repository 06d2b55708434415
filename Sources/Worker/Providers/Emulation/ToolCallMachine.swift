internal import Core
internal import Glibc

/// Finds the calls of tools in the text of a model that has no place of its own for them.
///
/// Text goes on at once; held back is only what may be the beginning of a call, and a call until it is complete. What looks
/// like one and is none (a tool that nobody offered, arguments that are no object even when repaired, more than the limit)
/// comes out again as the text it was. Blanks before the first word, around calls and between them are part of no text.
/// A value without I/O: the same text gives the same pieces, wherever it is cut.
package struct ToolCallMachine: Sendable {
    package enum Piece: Sendable, Equatable {
        case text(String)
        case callBegan(index: Int, name: String)
        /// The arguments of that call, or a further piece of them.
        case arguments(index: Int, String)
        case callEnded(index: Int)
    }

    /// More blanks than a model puts around a call are text.
    private static let blankLimit = 256

    private let tools: CallableTools
    private let limit: Int
    private let callLimit: Int
    private var candidate: CallCandidate?
    /// Blanks that are text if text follows.
    private var blanks: [UInt8] = []
    /// At the beginning and behind a call: no text has come since.
    private var isBetween = true
    private var hasSpoken = false
    private var isAtLineStart = true
    private var closers: CallTags = []
    private var closesFence = false
    /// How many calls have been passed on.
    package private(set) var callCount = 0
    /// Calls beyond `callLimit`, which are left out.
    package private(set) var droppedCalls = 0
    /// Whether a call's arguments were no valid JSON before they were repaired: they may have been cut.
    package private(set) var hasRepaired = false

    /// `limit` is how many bytes a call may take; `callLimit` how many calls are wanted.
    package init(_ tools: CallableTools, limit: Int = 256 << 10, callLimit: Int = .max) {
        self.tools = tools
        self.limit = limit
        self.callLimit = callLimit
    }

    /// Appends what is certain by now.
    package mutating func feed(_ text: String, into pieces: inout [Piece]) {
        guard !text.isEmpty else { return }
        var text = text
        if candidate == nil, !isBetween || tools.isEmpty, tools.isEmpty || text.withUTF8({ unsafe Self.isPlain($0) }) {
            say(text, &pieces)
        } else {
            run(Array(text.utf8)[...], &pieces)
        }
    }

    /// The text has ended: what lacks only its end is a call, anything else that was held back is text.
    package mutating func finish(into pieces: inout [Piece]) {
        while var last = candidate {
            candidate = nil
            if let (calls, rest) = last.finish() {
                pass(calls, of: last, &pieces)
                run(last.raw.suffix(rest), &pieces)
            } else if !last.isUnfinishedEnd {
                say(last.raw[...], &pieces)
            }
        }
        if callCount == 0 { say([], &pieces) }
        blanks = []
    }

    /// Without anything that a call could begin with, once the text has begun.
    private static func isPlain(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let bytes = text.baseAddress else { return true }
        return unsafe memchr(bytes, Int32(UInt8(ascii: "<")), text.count) == nil
            && memchr(bytes, Int32(UInt8(ascii: "`")), text.count) == nil
    }

    private mutating func run(_ bytes: ArraySlice<UInt8>, _ pieces: inout [Piece]) {
        var place = bytes.startIndex
        while place < bytes.endIndex {
            if let verdict = candidate?.take(bytes[place]) {
                place += 1
                switch verdict {
                case .more: break
                case .rejected(let replays):
                    place -= 1
                    release(replays, &pieces)
                case .calls(let calls, let rest):
                    guard let said = candidate else { break }
                    candidate = nil
                    pass(calls, of: said, &pieces)
                    run(said.raw.suffix(rest), &pieces)
                case .closed(let tag, let isFence):
                    candidate = nil
                    closers.subtract(tag)
                    if isFence { closesFence = false }
                    isBetween = true
                }
                continue
            }
            if isBetween, Blank.isBlank(bytes[place]), blanks.count < Self.blankLimit {
                blanks.append(bytes[place])
                place += 1
                continue
            }
            let start = place
            while place < bytes.endIndex, !mayBegin(bytes[place], place > start ? bytes[place - 1] : nil) { place += 1 }
            if place > start { say(bytes[start..<place], &pieces) }
            if place < bytes.endIndex {
                candidate = CallCandidate(
                    bytes[place],
                    tools,
                    limit: limit,
                    closable: closers,
                    closesFence: closesFence && isBetween
                )
            }
        }
    }

    /// Fences begin lines; a bare value is looked at only where it is the whole answer.
    private func mayBegin(_ byte: UInt8, _ before: UInt8?) -> Bool {
        switch byte {
        case UInt8(ascii: "<"): true
        case UInt8(ascii: "`"):
            if let before = before ?? blanks.last { before == 0x0A } else { isAtLineStart || closesFence && isBetween }
        case UInt8(ascii: "{"), UInt8(ascii: "["): !hasSpoken && before == nil
        default: false
        }
    }

    /// The candidate is none; a further one may begin behind its first character, but not in what was as good as a call.
    private mutating func release(_ replays: Bool, _ pieces: inout [Piece]) {
        guard let raw = candidate?.raw else { return }
        candidate = nil
        guard replays, !raw.isEmpty else {
            say(raw[...], &pieces)
            return
        }
        say(raw[..<1], &pieces)
        run(raw[1...], &pieces)
    }

    private mutating func pass(_ calls: [SpokenCall], of candidate: CallCandidate, _ pieces: inout [Piece]) {
        blanks = []
        isBetween = true
        hasSpoken = true
        closers.formUnion(candidate.closers)
        if candidate.opensFence { closesFence = true }
        if candidate.isRepaired { hasRepaired = true }
        for call in calls {
            guard callCount < callLimit else {
                droppedCalls += 1
                continue
            }
            pieces.append(.callBegan(index: callCount, name: call.name))
            pieces.append(.arguments(index: callCount, call.arguments))
            pieces.append(.callEnded(index: callCount))
            callCount += 1
        }
    }

    private mutating func say(_ bytes: ArraySlice<UInt8>, _ pieces: inout [Piece]) {
        say(bytes.text, &pieces)
    }

    /// Text that goes on; joined to the piece before it, if that is text.
    private mutating func say(_ text: String, _ pieces: inout [Piece]) {
        var text = text
        if !blanks.isEmpty {
            text = blanks.text + text
            blanks = []
        }
        guard let last = text.utf8.last else { return }
        isBetween = false
        hasSpoken = true
        closesFence = false
        isAtLineStart = last == 0x0A
        if case .text(var said)? = pieces.last {
            pieces.removeLast()
            said += text
            pieces.append(.text(said))
        } else {
            pieces.append(.text(text))
        }
    }
}
