/// Finds the end of a JSON value that comes in pieces, and the first byte at which it can be none. It is more lenient than
/// a parser: what it lets pass is parsed when it is complete, or repaired before.
struct ArgumentScanner: Sendable {
    enum Outcome {
        case more
        /// A string within the value has ended.
        case stringEnded
        case complete
        case invalid
    }

    private enum State {
        /// A value or a key may begin here.
        case ready
        case string
        case escape
        /// In a number or a word.
        case literal
        /// Behind a value or a key.
        case done
    }

    /// Deeper values are none of a call's.
    private static let depthLimit = 100

    private var state = State.ready
    /// One bit a level, the innermost the lowest: whether it is an object.
    private var objects: UInt128 = 0
    private(set) var depth = 0

    var isInString: Bool {
        switch state {
        case .string, .escape: true
        case .ready, .literal, .done: false
        }
    }

    mutating func take(_ byte: UInt8) -> Outcome {
        switch state {
        case .string: return takeInString(byte)
        case .escape:
            state = .string
            return .more
        case .ready, .literal, .done: return takeOutside(byte)
        }
    }

    private mutating func takeInString(_ byte: UInt8) -> Outcome {
        switch byte {
        case UInt8(ascii: "\\"): state = .escape
        case UInt8(ascii: "\""):
            state = .done
            return depth == 0 ? .complete : .stringEnded
        default: break
        }
        return .more
    }

    private mutating func takeOutside(_ byte: UInt8) -> Outcome {
        switch byte {
        case 0x20, 0x0A, 0x0D, 0x09:
            if case .literal = state { state = .done }
            return .more
        case UInt8(ascii: "\""): return begin(.string)
        case UInt8(ascii: "{"): return open(isObject: true)
        case UInt8(ascii: "["): return open(isObject: false)
        case UInt8(ascii: "}"): return close(isObject: true)
        case UInt8(ascii: "]"): return close(isObject: false)
        case UInt8(ascii: ","), UInt8(ascii: ":"):
            if case .ready = state { return .invalid }
            state = .ready
            return .more
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
            if case .done = state { return .invalid }
            state = .literal
            return .more
        default: return .invalid
        }
    }

    private mutating func begin(_ next: State) -> Outcome {
        guard case .ready = state else { return .invalid }
        state = next
        return .more
    }

    private mutating func open(isObject: Bool) -> Outcome {
        guard case .ready = state, depth < Self.depthLimit else { return .invalid }
        depth += 1
        objects = objects << 1 | (isObject ? 1 : 0)
        return .more
    }

    private mutating func close(isObject: Bool) -> Outcome {
        guard depth > 0, (objects & 1 == 1) == isObject else { return .invalid }
        depth -= 1
        objects >>= 1
        state = .done
        return depth == 0 ? .complete : .more
    }
}
