internal import Core
internal import JSON
internal import OpenAIAPI

/// Reads the content of one whole message into a choice.
struct AnthropicMessageReader {
    private(set) var choice = ChatAnswer.Choice()
    private(set) var record = AnthropicTurnRecord()
    private(set) var usage: TokenUsage?

    private let answersByTool: Bool
    private let created: Int
    /// Which of several answers this is.
    private let place: Int
    private var text = ""
    private var answer: String?
    private var thinking: [[UInt8]] = []
    private var citations: [(citation: JSONValue, range: Range<Int>)] = []
    private var ids: Set<String> = []

    init(answersByTool: Bool, _ created: Int, _ place: Int) {
        self.answersByTool = answersByTool
        self.created = created
        self.place = place
    }

    mutating func read(_ message: JSONValue) {
        for block in message["content"]?.elements.map({ $0 }) ?? [] { read(block: block) }
        var used = AnthropicUsage()
        used.take(message["usage"])
        usage = used.total
        var end = AnthropicEnd()
        end.take(message)
        choice.finish = end.finishReason(calls: choice.calls.count)
        if end.isRefused { choice.refusal = end.refusal }
        let said = answer ?? text
        choice.text = said.isEmpty ? nil : said
        choice.extra = { end.write(to: &$0) }
        let thinking = thinking
        let citations = answer == nil ? citations : []
        choice.messageExtra = { writer in
            if !thinking.isEmpty {
                writer.key("thinking_blocks")
                writer.beginArray()
                for block in thinking { writer.raw(.bytes(block)) }
                writer.endArray()
            }
            guard !citations.isEmpty else { return }
            writer.key("annotations")
            writer.beginArray()
            for (citation, range) in citations { AnthropicCitations.write(citation, range, to: &writer) }
            writer.endArray()
        }
    }

    private mutating func read(block: JSONValue) {
        switch block["type"]?.string {
        case "text": read(text: block)
        case "thinking":
            guard let words = block["thinking"], words.isString else { return }
            choice.reasoning += words.string ?? ""
            guard let signature = block["signature"], signature.isString, !signature.isEmptyString else { return }
            add(AnthropicReasoning.thinking(words.raw, signature: signature.raw))
        case "redacted_thinking":
            guard let data = block["data"], data.isString else { return }
            add(AnthropicReasoning.redacted(data.raw))
        case "tool_use": read(call: block)
        // The vendor's own tools, and what is still to be invented, are no part of the dialect.
        default: break
        }
    }

    private mutating func add(_ block: [UInt8]) {
        thinking.append(block)
        record.addThinking(block)
    }

    private mutating func read(text block: JSONValue) {
        guard let piece = block["text"], let words = piece.string, !words.isEmpty else { return }
        record.addText(piece.raw)
        guard let cited = block.present("citations"), cited.isArray else {
            text += words
            return
        }
        let start = text.unicodeScalars.count
        text += words
        let range = start..<start + words.unicodeScalars.count
        for citation in cited.elements where citation.isObject { citations.append((citation, range)) }
    }

    private mutating func read(call block: JSONValue) {
        guard let name = block["name"]?.string, !name.isEmpty else { return }
        let input = block["input"].flatMap { $0.isObject ? String(decoding: $0.raw, as: UTF8.self) : nil } ?? "{}"
        if answersByTool, name == AnthropicPlan.jsonTool {
            answer = input
            return
        }
        var id = block["id"]?.string ?? ""
        if id.isEmpty || !ids.insert(id).inserted {
            id += "toolu_\(created)_\(place)_\(choice.calls.count)"
            ids.insert(id)
        }
        record.addCall(id)
        choice.calls.append(ChatAnswer.Call(id: id, name: name, arguments: input))
    }
}
