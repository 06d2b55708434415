internal import Core
internal import JSON

/// Gathers the thoughts of a stream that lead to a call of a tool, for vendors of this dialect that want them back.
struct ThoughtKeeper: Sendable {
    /// The cluster keeps no more of an answer's thoughts.
    static let limit = 256 << 10

    /// The inside of a JSON string.
    private var text = ByteBuffer()
    private var call: String?

    mutating func take(_ chunk: JSONValue) {
        guard let delta = chunk["choices"]?[0]?["delta"] else { return }
        if let piece = delta["reasoning_content"], piece.isString, text.count < Self.limit {
            text.append(copying: piece.raw.dropFirst().dropLast())
        }
        if call == nil { call = delta["tool_calls"]?[0]?["id"]?.string }
    }

    /// A JSON string under the id of the first call; nothing where no call needs it, or where it is too much.
    var kept: [KeptState] {
        guard let call, !call.isEmpty, text.count > 0, text.count < Self.limit else { return [] }
        return [KeptState(call: call, state: [UInt8(ascii: "\"")] + text.readable + [UInt8(ascii: "\"")])]
    }
}
