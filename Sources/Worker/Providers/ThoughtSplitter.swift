/// Finds the thoughts that models without a place of their own for them put before their answer: `<think>…</think>`,
/// at the very beginning and nowhere else.
struct ThoughtSplitter: Sendable {
    struct Piece: Sendable, Equatable {
        var isThought: Bool
        var text: String
    }

    private enum State {
        /// So far there is nothing but blanks and a part of the mark, which are held back.
        case undecided
        case thinking
        /// Between the thoughts and the answer: blank lines that belong to neither.
        case blank
        case settled
    }

    private static let opening = Array("<think>".utf8)
    private static let closing = Array("</think>".utf8)

    private var state = State.undecided
    /// What may be a part of a mark; in `undecided` with the blanks before it.
    private var held: [UInt8] = []

    /// Whether all that follows is the answer, and need not be looked at.
    var isSettled: Bool {
        if case .settled = state { return true }
        return false
    }

    /// There are no thoughts in this text.
    mutating func settle() {
        guard case .undecided = state, held.isEmpty else { return }
        state = .settled
    }

    mutating func take(_ text: String) -> [Piece] {
        var pieces: [Piece] = []
        var bytes = held + text.utf8
        held = []
        while !bytes.isEmpty {
            switch state {
            case .undecided: begin(&bytes, &pieces)
            case .thinking: think(&bytes, &pieces)
            case .blank:
                bytes = Array(bytes.drop(while: Self.isBlank))
                if !bytes.isEmpty { state = .settled }
            case .settled:
                Self.add(bytes, isThought: false, to: &pieces)
                bytes = []
            }
        }
        return pieces
    }

    /// The end of the text: what was held back is no mark.
    mutating func finish() -> [Piece] {
        var pieces: [Piece] = []
        var isThought = false
        if case .thinking = state { isThought = true }
        Self.add(held, isThought: isThought, to: &pieces)
        held = []
        return pieces
    }

    private mutating func begin(_ bytes: inout [UInt8], _ pieces: inout [Piece]) {
        let text = bytes.drop(while: Self.isBlank)
        // No more blanks are waited for than a model puts before its thoughts.
        let mayBegin = bytes.count - text.count <= 64
        if mayBegin, text.starts(with: Self.opening) {
            state = .thinking
            bytes = Array(text.dropFirst(Self.opening.count).drop(while: Self.isBlank))
        } else if mayBegin, Self.opening.starts(with: text) {
            held = bytes
            bytes = []
        } else {
            state = .settled
        }
    }

    private mutating func think(_ bytes: inout [UInt8], _ pieces: inout [Piece]) {
        var place = 0
        while place < bytes.count {
            if bytes[place] == UInt8(ascii: "<") {
                let rest = bytes[place...]
                if rest.starts(with: Self.closing) {
                    Self.add(Self.trimmed(bytes[..<place]), isThought: true, to: &pieces)
                    bytes = Array(rest.dropFirst(Self.closing.count))
                    state = .blank
                    return
                }
                if Self.closing.starts(with: rest) { break }
            }
            place += 1
        }
        // A line break before the closing mark belongs to the mark, so the last ones wait for what follows.
        let said = Self.trimmed(bytes[..<place])
        Self.add(said, isThought: true, to: &pieces)
        held = Array(bytes[said.endIndex...])
        // Thoughts of nothing but blanks are not worth the memory.
        if held.count > 4096 {
            Self.add(held, isThought: true, to: &pieces)
            held = []
        }
        bytes = []
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = bytes
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return rest
    }

    private static func add(_ bytes: some Collection<UInt8>, isThought: Bool, to pieces: inout [Piece]) {
        if !bytes.isEmpty { pieces.append(Piece(isThought: isThought, text: String(decoding: bytes, as: UTF8.self))) }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }
}
