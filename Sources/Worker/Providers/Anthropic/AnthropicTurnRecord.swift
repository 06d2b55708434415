internal import Core
internal import JSON

/// What of an answer must come back with the results of its tool calls: its thinking, and the order of its blocks where
/// that is not plainly thinking, text, calls.
///
/// Recorded as a list of blocks: the thinking ones whole, texts as they were cut, calls by their ids.
struct AnthropicTurnRecord: Sendable {
    /// The cluster keeps no more.
    private static let limit = 256 << 10

    private var thinking: [[UInt8]] = []
    private var all: [[UInt8]] = []
    private var firstCall: String?
    private var size = 0
    /// Whether thinking came after something else.
    private var isMixed = false

    mutating func addThinking(_ block: [UInt8]) {
        isMixed = isMixed || all.count > thinking.count
        add(block)
        if size <= Self.limit { thinking.append(block) }
    }

    /// `text` is a JSON string, quotes included.
    mutating func addText(_ text: ArraySlice<UInt8>) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("type", "text")
        writer.member("text", .slice(text))
        writer.endObject()
        add(writer.take())
    }

    mutating func addCall(_ id: String) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("type", "tool_use")
        writer.member("id", id)
        writer.endObject()
        add(writer.take())
        firstCall = firstCall ?? id
    }

    private mutating func add(_ block: [UInt8]) {
        size += block.count + 1
        if size <= Self.limit { all.append(block) }
    }

    /// Nothing where no call needs it, or where it is too much.
    var kept: [KeptState] {
        guard let firstCall, !thinking.isEmpty, size <= Self.limit else { return [] }
        var writer = JSONWriter()
        writer.beginArray()
        for block in isMixed ? all : thinking { writer.raw(.bytes(block)) }
        writer.endArray()
        return [KeptState(call: firstCall, state: writer.take())]
    }
}
