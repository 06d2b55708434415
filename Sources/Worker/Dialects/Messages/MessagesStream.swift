internal import Core
internal import JSON
internal import OpenAIAPI

/// Writes Anthropic's events: blocks that begin and end, one after the other, where chat has deltas alone.
struct MessagesStream: DialectStreamWriter {
    private enum Block: Equatable { case text, thinking }

    private let id: String
    private let model: String
    private var hasBegun = false
    /// The text or thinking block that is open, with its place.
    private var open: (kind: Block, index: Int)?
    /// The blocks of tool calls by the index chat gives them; they stay open, since pieces may come in any order.
    private var calls: [Int: Int] = [:]
    private var nextIndex = 0
    private var finish = MessagesEnd()
    private var usage = TokenUsage()

    init(id: String, model: String) {
        self.id = id
        self.model = model
    }

    var wholeAnswer: [UInt8]? { nil }

    mutating func begin(into output: inout ByteBuffer) {
        guard !hasBegun else { return }
        hasBegun = true
        output.appendEvent("message_start") { [id, model] writer in
            writer.object("message") { writer in
                writer.member("id", id)
                writer.member("type", "message")
                writer.member("role", "assistant")
                writer.member("model", model)
                writer.member("content", .literal("[]"))
                writer.member("stop_reason", .null)
                writer.member("stop_sequence", .null)
                writer.object("usage") { MessagesAnswer.write(TokenUsage(), to: &$0) }
            }
        }
    }

    mutating func receive(_ events: ArraySlice<UInt8>, parser: JSONParser, into output: inout ByteBuffer) {
        for chunk in ChatEvents(events, parser: parser) {
            begin(into: &output)
            if let counted = TokenUsage(chunk["usage"]) { usage = counted }
            guard let choice = chunk["choices"]?[0] else { continue }
            if let delta = choice["delta"] { take(delta, into: &output) }
            finish.take(choice)
        }
    }

    private mutating func take(_ delta: JSONValue, into output: inout ByteBuffer) {
        if let reasoning = delta.present("reasoning_content"), !reasoning.isEmptyString {
            append(reasoning, .thinking, into: &output)
        }
        if let blocks = delta.present("thinking_blocks") {
            for block in blocks.elements { takeThought(block, into: &output) }
        }
        for name in ["content", "refusal"] as [StaticString] {
            if let text = delta.present(name), text.isString, !text.isEmptyString { append(text, .text, into: &output) }
        }
        if let calls = delta.present("tool_calls") {
            for call in calls.elements { takeCall(call, into: &output) }
        }
    }

    /// A signature closes its block; thoughts that are kept from sight come whole.
    private mutating func takeThought(_ block: JSONValue, into output: inout ByteBuffer) {
        if block["type"]?.equals("redacted_thinking") == true {
            closeOpen(into: &output)
            let index = takeIndex()
            output.appendEvent("content_block_start") { writer in
                writer.member("index", index)
                writer.member("content_block", block)
            }
            close(index, into: &output)
            return
        }
        if let text = block.present("thinking"), !text.isEmptyString { append(text, .thinking, into: &output) }
        guard let signature = block.present("signature"), !signature.isEmptyString else { return }
        let index = begin(.thinking, into: &output)
        output.appendEvent("content_block_delta") { writer in
            writer.member("index", index)
            writer.object("delta") { writer in
                writer.member("type", "signature_delta")
                writer.member("signature", signature)
            }
        }
        closeOpen(into: &output)
    }

    private mutating func takeCall(_ call: JSONValue, into output: inout ByteBuffer) {
        let number = call["index"]?.int ?? 0
        let function = call["function"]
        if calls[number] == nil {
            closeOpen(into: &output)
            let index = takeIndex()
            calls[number] = index
            output.appendEvent("content_block_start") { writer in
                writer.member("index", index)
                writer.object("content_block") { writer in
                    writer.member("type", "tool_use")
                    writer.member("id", call["id"]?.string ?? "")
                    writer.member("name", function?["name"]?.string ?? "")
                    writer.member("input", .literal("{}"))
                }
            }
        }
        guard let index = calls[number], let arguments = function?.present("arguments"), !arguments.isEmptyString else {
            return
        }
        output.appendEvent("content_block_delta") { writer in
            writer.member("index", index)
            writer.object("delta") { writer in
                writer.member("type", "input_json_delta")
                writer.member("partial_json", arguments)
            }
        }
    }

    private mutating func append(_ text: JSONValue, _ kind: Block, into output: inout ByteBuffer) {
        let index = begin(kind, into: &output)
        output.appendEvent("content_block_delta") { writer in
            writer.member("index", index)
            writer.object("delta") { writer in
                writer.member("type", kind == .text ? "text_delta" : "thinking_delta")
                writer.member(kind == .text ? "text" : "thinking", text)
            }
        }
    }

    private mutating func begin(_ kind: Block, into output: inout ByteBuffer) -> Int {
        if let open, open.kind == kind { return open.index }
        closeOpen(into: &output)
        let index = takeIndex()
        open = (kind, index)
        output.appendEvent("content_block_start") { writer in
            writer.member("index", index)
            writer.object("content_block") { writer in
                writer.member("type", kind == .text ? "text" : "thinking")
                writer.member(kind == .text ? "text" : "thinking", "")
                if kind == .thinking { writer.member("signature", "") }
            }
        }
        return index
    }

    private mutating func takeIndex() -> Int {
        defer { nextIndex += 1 }
        return nextIndex
    }

    private mutating func closeOpen(into output: inout ByteBuffer) {
        guard let block = open.take() else { return }
        close(block.index, into: &output)
    }

    private func close(_ index: Int, into output: inout ByteBuffer) {
        output.appendEvent("content_block_stop") { $0.member("index", index) }
    }

    mutating func end(into output: inout ByteBuffer) {
        begin(into: &output)
        closeOpen(into: &output)
        for index in calls.values.sorted() { close(index, into: &output) }
        output.appendEvent("message_delta") { [finish, usage] writer in
            writer.object("delta") { finish.write(to: &$0) }
            writer.object("usage") { MessagesAnswer.write(usage, to: &$0) }
        }
        output.appendEvent("message_stop") { _ in }
    }

    mutating func keepAlive(into output: inout ByteBuffer) {
        begin(into: &output)
        output.appendEvent("ping") { _ in }
    }

    mutating func fail(_ error: GatewayError, requestID: String, into output: inout ByteBuffer) {
        output.appendEvent("error") { MessagesErrors.write(error, requestID, to: &$0, hasType: true) }
    }
}
