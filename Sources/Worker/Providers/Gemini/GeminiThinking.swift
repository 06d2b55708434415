internal import Core
internal import JSON
internal import OpenAIAPI

/// How much the model shall think, in the words of its generation. To both kinds of words at once, and to any said to a
/// model that does not think, the answer is an error.
enum GeminiThinking {
    static func configuration(
        _ chat: ChatRequest,
        _ job: Job,
        _ model: GeminiModel,
        _ extras: GeminiExtras
    ) throws(GatewayError) -> JSONFragment? {
        if let own = try extras.container("thinking_config", "thinkingConfig", isArray: false) {
            return .slice(own.raw)
        }
        guard let effort = chat.effort else { return nil }
        switch model.thinking {
        case .none:
            if effort != .none { try job.refuse("reasoning_effort", "This model does not think.") }
            return nil
        case .budget: return written(effort) { $0.member("thinkingBudget", budget(effort, model)) }
        case .level: return written(effort) { $0.member("thinkingLevel", level(effort, model)) }
        }
    }

    /// Thoughts are told only where they are asked for.
    private static func written(_ effort: ReasoningEffort, _ amount: (inout JSONWriter) -> Void) -> JSONFragment {
        var writer = JSONWriter()
        writer.beginObject()
        if effort != .none { writer.member("includeThoughts", true) }
        amount(&writer)
        writer.endObject()
        return .bytes(writer.take())
    }

    private static func budget(_ effort: ReasoningEffort, _ model: GeminiModel) -> Int {
        switch effort {
        case .none: model.leastBudget
        case .minimal: 512
        case .low: 1024
        case .medium: 8192
        case .high, .xhigh, .max: 24_576
        }
    }

    /// No thinking at all is not on offer, and the Pro models know no word for less than `low`.
    private static func level(_ effort: ReasoningEffort, _ model: GeminiModel) -> String {
        switch effort {
        case .none, .minimal: model.isPro ? "low" : "minimal"
        case .low: "low"
        // The first of the third generation has two levels only.
        case .medium: model.hasTwoLevels ? "high" : "medium"
        case .high, .xhigh, .max: "high"
        }
    }
}
