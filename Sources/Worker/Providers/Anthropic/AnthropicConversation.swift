internal import Core
internal import JSON
internal import OpenAIAPI

/// The messages of a request in the order and the grouping that the vendor insists on: turns of user and assistant, all
/// results of a turn's calls together and first in the next one.
struct AnthropicConversation {
    private enum Role: String {
        case user, assistant, system
    }

    private struct Turn {
        var role: Role
        var results: [[UInt8]] = []
        var blocks: [[UInt8]] = []
    }

    private var system: [[UInt8]] = []
    private var turns: [Turn] = []
    private var calls = AnthropicCallIDs()
    /// Calls of the last assistant's turn whose results have not come.
    private var open: Set<String> = []
    private let job: Job

    init(_ chat: ChatRequest, _ plan: AnthropicPlan, _ job: Job) throws(GatewayError) {
        self.job = job
        var hasBegun = false
        for (place, message) in chat.messages.enumerated() {
            hasBegun = hasBegun || message.role != .system
            switch message.role {
            case .system where !hasBegun: system += try blocks(of: message)
            case .system: try add(laterSystem: message, plan)
            case .user: add(.user, blocks: try named(message) + blocks(of: message))
            case .assistant: try add(assistant: message, plan, isLast: place == chat.messages.count - 1)
            case .tool: try add(result: message)
            }
        }
        instruct(chat, plan)
        // It is the user who begins, with at least something.
        if turns.first?.role != .user {
            turns.insert(Turn(role: .user, blocks: [AnthropicContent.text(".")]), at: 0)
        }
    }

    func write(to writer: inout JSONWriter) {
        if !system.isEmpty {
            writer.key("system")
            Self.write(system, to: &writer)
        }
        writer.key("messages")
        writer.beginArray()
        for turn in turns {
            writer.beginObject()
            writer.member("role", turn.role.rawValue)
            writer.key("content")
            Self.write(turn.results + turn.blocks, to: &writer)
            writer.endObject()
        }
        writer.endArray()
    }

    private static func write(_ blocks: [[UInt8]], to writer: inout JSONWriter) {
        writer.beginArray()
        for block in blocks { writer.raw(.bytes(block)) }
        writer.endArray()
    }

    private mutating func add(_ role: Role, results: [[UInt8]] = [], blocks: [[UInt8]] = []) {
        guard !results.isEmpty || !blocks.isEmpty else { return }
        if turns.last?.role != role { turns.append(Turn(role: role)) }
        turns[turns.count - 1].results += results
        turns[turns.count - 1].blocks += blocks
    }

    /// The parts of a message; its own `cache_control` goes to the last of them.
    private func blocks(of message: ChatMessage, marksLast: Bool = true) throws(GatewayError) -> [[UInt8]] {
        var blocks: [[UInt8]] = []
        for (place, part) in message.parts.enumerated() where !AnthropicReasoning.isThinking(part.source) {
            let isMarked = marksLast && place == message.parts.count - 1
            let marker = isMarked ? message.source.present("cache_control") : nil
            if let block = try AnthropicContent.block(part, job, marker: marker) { blocks.append(block) }
        }
        return blocks
    }

    /// The vendor has no member for who of several users is speaking: the name goes before what is said.
    private func named(_ message: ChatMessage) -> [[UInt8]] {
        guard let name = message.name, !name.isEmpty, !message.parts.isEmpty else { return [] }
        return [AnthropicContent.text("\(name): ")]
    }

    /// Stays where it stands: moved to the front it would also rule what was said before it.
    private mutating func add(laterSystem message: ChatMessage, _ plan: AnthropicPlan) throws(GatewayError) {
        // Between calls and their results there is no place for it.
        if plan.model.takesSystemTurns, open.isEmpty {
            return add(.system, blocks: try blocks(of: message))
        }
        guard message.text.contains(where: { !$0.isWhitespace }) else { return }
        let text = "<system>\(message.text)</system>"
        add(.user, blocks: [AnthropicContent.text(text, marker: message.source.present("cache_control"))])
    }

    private mutating func add(
        assistant message: ChatMessage,
        _ plan: AnthropicPlan,
        isLast: Bool
    ) throws(GatewayError) {
        let marker = message.source.present("cache_control")
        var texts = try blocks(of: message, marksLast: message.toolCalls.isEmpty)
        if let refusal = message.source.present("refusal"), refusal.isString, let block = AnthropicContent.text(refusal)
        {
            texts.append(block)
        }
        if isLast, message.toolCalls.isEmpty { texts = try prefill(message, texts, plan) }
        var uses: [(id: String, block: [UInt8])] = []
        open = []
        for (place, call) in message.toolCalls.enumerated() {
            let isMarked = place == message.toolCalls.count - 1
            uses.append((call.id, try use(call, call.source.present("cache_control") ?? (isMarked ? marker : nil))))
        }
        if let carried = AnthropicReasoning.carried(by: message.source) {
            add(.assistant, blocks: carried + texts + uses.map(\.block))
        } else {
            let kept = message.toolCalls.first.flatMap { job.materials.kept[$0.id] }
            add(.assistant, blocks: AnthropicKeptTurn(kept, message.text).blocks(with: texts, uses))
        }
    }

    private mutating func use(_ call: ToolCall, _ marker: JSONValue?) throws(GatewayError) -> [UInt8] {
        guard let arguments = call.argumentsObject else {
            throw .invalid("\(call.path).function.arguments", "The arguments of a call must be a JSON object.")
        }
        let id = calls.issue(call.id)
        open.insert(id)
        return AnthropicContent.write("tool_use", marker) { writer in
            writer.member("id", id)
            writer.member("name", call.name)
            writer.member("input", .bytes(arguments))
        }
    }

    private mutating func add(result message: ChatMessage) throws(GatewayError) {
        let id = calls.id(for: message.toolCallID ?? "")
        open.remove(id)
        let blocks = try blocks(of: message, marksLast: false)
        let result = AnthropicContent.write("tool_result", message.source.present("cache_control")) { writer in
            writer.member("tool_use_id", id)
            // A plain string stays one.
            if message.parts.count == 1, blocks.count == 1, let content = message.source["content"], content.isString {
                writer.key("content")
                writer.value(content)
            } else if !blocks.isEmpty {
                writer.key("content")
                Self.write(blocks, to: &writer)
            }
            if message.source["is_error"]?.bool == true { writer.member("is_error", true) }
        }
        add(.user, results: [result])
    }

    /// The beginning of the answer, as the client wants it. The vendor refuses one that ends in space.
    private func prefill(
        _ message: ChatMessage,
        _ texts: [[UInt8]],
        _ plan: AnthropicPlan
    ) throws(GatewayError) -> [[UInt8]] {
        guard !texts.isEmpty else { return texts }
        guard plan.model.takesPrefill else {
            throw .notHere(
                "messages",
                "This model does not go on with an answer: the last message must not be the assistant's."
            )
        }
        guard message.parts.count == 1, message.source["refusal"]?.isString != true else { return texts }
        var text = message.text[...]
        while text.last?.isWhitespace == true { text.removeLast() }
        return [AnthropicContent.text(String(text), marker: message.source.present("cache_control"))]
    }

    /// What the vendor has no parameter for, or not for this model, is said.
    private mutating func instruct(_ chat: ChatRequest, _ plan: AnthropicPlan) {
        if case .instructed = plan.format {
            system.append(
                AnthropicContent.text("Answer with one JSON object and nothing else: no explanation, no code fence.")
            )
        }
        guard plan.toolChoice != chat.toolChoice else { return }
        if case .function(let name)? = chat.toolChoice {
            system.append(AnthropicContent.text("Answer by calling the tool \(name)."))
        } else {
            system.append(AnthropicContent.text("Answer by calling a tool."))
        }
    }
}
