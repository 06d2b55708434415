internal import Core
internal import JSON

/// The content block that a stream is in the middle of.
struct AnthropicBlock: Sendable {
    enum Kind: Sendable {
        case text
        case thinking
        /// A call of one of the client's tools, with its place among them.
        case call(Int)
        /// The call whose arguments are the answer.
        case answer
        /// Whatever the client has no part in: the vendor's own tools, and what is still to be invented.
        case other
    }

    var kind = Kind.other
    var index: Int?
    /// Whether a piece has come.
    var hasPieces = false
    /// What the block began with, as JSON: nothing is repeated of it when pieces follow.
    var opening: [UInt8]?
    /// The pieces that must be remembered, as the inside of a JSON string.
    var text = ByteBuffer()
    /// Likewise.
    var signature = ByteBuffer()

    init() {}

    init(_ kind: Kind, index: Int?, opening: JSONValue?) {
        self.kind = kind
        self.index = index
        // An object without members is the place where one will be.
        if let opening, opening.isString ? !opening.isEmptyString : opening.count > 0 {
            self.opening = Array(opening.raw)
        }
    }
}

extension ByteBuffer {
    /// The bytes as the inside of a JSON string, with its quotes.
    var quoted: [UInt8] { [UInt8(ascii: "\"")] + readable + [UInt8(ascii: "\"")] }

    /// Appends what stands between the quotes of a string, up to a limit beyond which it is of no use.
    mutating func append(insideOf value: JSONValue, limit: Int) {
        guard value.isString, count < limit else { return }
        append(copying: value.raw.dropFirst().dropLast())
    }
}
