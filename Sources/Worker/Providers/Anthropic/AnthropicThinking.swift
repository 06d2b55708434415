internal import Core
internal import JSON
internal import OpenAIAPI

/// How much a model is told to think: the effort of the request in the words that its generation knows.
struct AnthropicThinking {
    enum Setting {
        /// Nothing is said.
        case unsaid
        /// The client's own `thinking`.
        case given(JSONValue)
        case off(StaticString)
        case adaptive
        case budget(Int)
    }

    private(set) var setting = Setting.unsaid
    /// `output_config.effort`.
    private(set) var effort: StaticString?
    /// The limit that leaves room for an answer beside the budget.
    private(set) var maxTokens: Int?

    /// `isForced` says that the model is made to call a tool, which none can together with a budget.
    init(_ chat: ChatRequest, _ model: AnthropicModel, _ job: Job, isForced: Bool) throws(GatewayError) {
        if let given = chat.root.present("thinking") {
            setting = .given(given)
            // An effort beside it is guidance for the model that decides by itself.
            if let wanted = chat.effort, wanted != .none, given["type"]?.equals("adaptive") == true {
                effort = Self.word(for: wanted, model)
            }
            return
        }
        guard let wanted = chat.effort else { return }
        if wanted == .none {
            try quiet(model, job)
        } else if model.thinksAdaptively {
            setting = .adaptive
            effort = Self.word(for: wanted, model)
        } else if model.thinksByBudget {
            // A tool that must be called is a promise to the client, an effort is a wish.
            guard !isForced, !Self.continuesUnthought(chat, job) else { return }
            fit(Self.budget(for: wanted), chat.maxTokens, model)
        } else {
            try job.refuse("reasoning_effort", "This model does not reason.")
        }
    }

    /// Whether the model thinks because it was told to.
    var isOn: Bool {
        switch setting {
        case .adaptive, .budget: true
        case .given(let value): value["type"]?.equals("disabled") == false
        case .unsaid, .off: false
        }
    }

    func write(to writer: inout JSONWriter) {
        switch setting {
        case .unsaid: break
        case .given(let value):
            writer.key("thinking")
            writer.value(value)
        case .off(let word):
            writer.key("thinking")
            writer.beginObject()
            writer.member("type", "\(word)")
            writer.endObject()
        case .adaptive:
            writer.key("thinking")
            writer.beginObject()
            writer.member("type", "adaptive")
            // The newest keep it to themselves unless asked.
            writer.member("display", "summarized")
            writer.endObject()
        case .budget(let tokens):
            writer.key("thinking")
            writer.beginObject()
            writer.member("type", "enabled")
            writer.member("budget_tokens", tokens)
            writer.endObject()
        }
    }

    private mutating func quiet(_ model: AnthropicModel, _ job: Job) throws(GatewayError) {
        switch model.quieting {
        case .notNeeded: break
        case .disabled: setting = .off("disabled")
        case .betweenTools: setting = .off("between_tools")
        case .impossible: try job.refuse("reasoning_effort", "This model cannot be kept from reasoning.")
        }
    }

    /// The budget within the model's limit, with room for what the client wants beside it.
    private mutating func fit(_ budget: Int, _ wanted: Int?, _ model: AnthropicModel) {
        let answer = wanted ?? model.maxOutput
        let limit = answer > budget ? answer : min(budget + answer, model.maxOutput)
        maxTokens = limit
        setting = .budget(min(budget, limit - 1))
    }

    private static func word(for effort: ReasoningEffort, _ model: AnthropicModel) -> StaticString {
        switch effort {
        case .none, .minimal, .low: "low"
        case .medium: "medium"
        case .high: "high"
        case .xhigh: model.knowsExtraHigh ? "xhigh" : "max"
        case .max: "max"
        }
    }

    private static func budget(for effort: ReasoningEffort) -> Int {
        switch effort {
        case .none, .minimal: 1024
        case .low: 2048
        case .medium: 8192
        case .high: 16_384
        case .xhigh, .max: 32_768
        }
    }

    /// Whether the request goes on with tool calls whose reasoning nobody has: with a budget the vendor insists on having
    /// it back, from the last word of the user on.
    private static func continuesUnthought(_ chat: ChatRequest, _ job: Job) -> Bool {
        let turns = chat.messages
        guard let last = turns.lastIndex(where: { $0.role == .assistant }), !turns[last].toolCalls.isEmpty else {
            return false
        }
        let start = turns[..<last].lastIndex { $0.role == .user } ?? 0
        return turns[start...last].contains { turn in
            guard let call = turn.toolCalls.first else { return false }
            return job.materials.kept[call.id] == nil && AnthropicReasoning.carried(by: turn.source) == nil
        }
    }
}
