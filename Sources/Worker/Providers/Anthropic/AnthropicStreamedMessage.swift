internal import Core
internal import JSON
internal import OpenAIAPI

/// One streamed message: its events one after the other become chunks.
struct AnthropicStreamedMessage: Sendable {
    /// An ordinary piece of a block, of which more will come.
    struct Piece {
        let kind: AnthropicDeltaShape.Kind
        let text: JSONValue
    }

    /// More is not remembered of one block.
    static let rememberedBytes = 256 << 10
    /// More text than any model writes at once, held back because an answer may come as JSON.
    static let heldBytes = 4 << 20
    static let mostCalls = 1024

    let created: Int
    private let model: String
    private let request: ModelRequest
    let answersByTool: Bool
    /// Whether what is said must be remembered for the next turn.
    let remembers: Bool

    var writer: ChunkWriter?
    var block = AnthropicBlock()
    private var usage = AnthropicUsage()
    private var end = AnthropicEnd()
    var record = AnthropicTurnRecord()
    var thinkingBlocks = 0
    var calls = 0
    var ids: Set<String> = []
    /// Text beside an answer that may come as JSON, as the inside of a JSON string.
    var held = ByteBuffer()
    var hasAnswer = false

    init(for job: Job, created: Int) {
        self.created = created
        model = job.model
        request = job.request
        answersByTool = AnthropicPlan.answersByTool(job)
        let root = job.request.document.root
        remembers = root.present("tools") != nil || root.present("functions") != nil
    }

    /// Takes an event; returns it if it is an ordinary piece of text.
    mutating func take(_ event: JSONValue, into output: inout StreamOutput) -> Piece? {
        guard let type = event["type"] else {
            output.end = .failed(.garbled("an event has no type"))
            return nil
        }
        if type.equals("error") {
            output.end = .failed(AnthropicFailure.make(event: event))
        } else if type.equals("message_start") {
            start(event["message"], &output)
        } else if type.equals("ping") {
            return nil
        } else if writer == nil {
            // What the vendor may invent one day can come at any time, but no content before its message.
            if isContent(type) { output.end = .failed(.garbled("the message has not begun")) }
        } else if type.equals("content_block_delta") {
            if let delta = event["delta"] { return take(delta, event["index"]?.int, &output) }
        } else if type.equals("content_block_start") {
            if let content = event["content_block"] { begin(content, event["index"]?.int, &output) }
        } else if type.equals("content_block_stop") {
            endBlock(&output)
        } else if type.equals("message_delta") {
            if let delta = event["delta"] { end.take(delta) }
            count(event["usage"], &output)
        } else if type.equals("message_stop") {
            finish(&output)
        }
        return nil
    }

    /// A piece that came by the quick way.
    mutating func piece(
        _ kind: AnthropicDeltaShape.Kind,
        inside text: UnsafeRawBufferPointer,
        into output: inout StreamOutput
    ) {
        output.hasContent = true
        block.hasPieces = true
        switch kind {
        case .text: unsafe writer?.text(inside: text, into: &output.events)
        case .thinking: unsafe writer?.reasoning(inside: text, into: &output.events)
        }
        if remembers, block.text.count < Self.rememberedBytes { unsafe block.text.append(text) }
    }

    private func isContent(_ type: JSONValue) -> Bool {
        ["content_block_delta", "content_block_start", "content_block_stop", "message_delta", "message_stop"].contains {
            type.equals($0 as StaticString)
        }
    }

    /// Some proxies send a second beginning, which changes nothing but what was counted.
    private mutating func start(_ message: JSONValue?, _ output: inout StreamOutput) {
        count(message?["usage"], &output)
        guard writer == nil else { return }
        let id = message?["id"]?.string ?? ""
        writer = ChunkWriter(
            id: id.isEmpty ? "msg_\(created)" : id,
            model: message?["model"]?.string ?? model,
            created: created,
            for: request
        )
    }

    private mutating func count(_ told: JSONValue?, _ output: inout StreamOutput) {
        usage.take(told)
        output.usage = usage.total ?? output.usage
    }

    private mutating func finish(_ output: inout StreamOutput) {
        endBlock(&output)
        if !hasAnswer, !held.isEmpty {
            unsafe held.withReadableBytes { unsafe writer?.text(inside: $0, into: &output.events) }
        }
        if end.isRefused, let refusal = end.refusal { writer?.refusal(refusal, into: &output.events) }
        let end = end
        writer?.finish(end.finishReason(calls: calls), into: &output.events) { end.write(to: &$0) }
        output.hasContent = true
        if let total = usage.total { writer?.usage(total, into: &output.events) }
        output.kept = record.kept
        output.end = .done
    }
}
