internal import Core
internal import JSON
internal import OpenAIAPI

/// How one request is put to one model: what depends on both, decided before anything is written. Those who read the
/// answer ask it what was asked.
struct AnthropicPlan {
    enum Format {
        case text
        /// The model holds to the schema by itself.
        case schema(JSONValue)
        /// The model is told what to write.
        case instructed
        /// The model calls a tool whose arguments are the answer.
        case tool(JSONValue)
    }

    /// The name of that tool.
    static let jsonTool = "json_tool_call"

    let model: AnthropicModel
    let format: Format
    let thinking: AnthropicThinking
    let toolChoice: ToolChoice?
    let maxTokens: Int
    /// Whether `temperature` and `top_p` can be sent.
    let takesSampling: Bool

    /// `version` is that of the interface; the second one knows no sampling parameters.
    init(_ chat: ChatRequest, _ job: Job, version: String) throws(GatewayError) {
        model = AnthropicModel(job.model)
        format = Self.format(chat, model)
        toolChoice = try Self.toolChoice(chat, model, job)
        var isForced = false
        if case .tool = format { isForced = true }
        switch toolChoice {
        case .required?, .function?, .allowed(_, isRequired: true)?: isForced = true
        default: break
        }
        thinking = try AnthropicThinking(chat, model, job, isForced: isForced)
        maxTokens = thinking.maxTokens ?? chat.maxTokens ?? model.maxOutput
        takesSampling = !model.isStrict && version < "2026-10-21" && !thinking.isOn
    }

    /// Whether the answer's JSON comes as the arguments of a tool.
    static func answersByTool(_ job: Job) -> Bool {
        guard let format = job.request.document.root.present("response_format"),
            format["type"]?.equals("json_schema") == true
        else { return false }
        return !AnthropicModel(job.model).takesSchemas
    }

    private static func format(_ chat: ChatRequest, _ model: AnthropicModel) -> Format {
        switch chat.responseFormat {
        case .text: .text
        case .jsonObject: .instructed
        case .jsonSchema(_, let schema, _): model.takesSchemas ? .schema(schema) : .tool(schema)
        }
    }

    private static func toolChoice(
        _ chat: ChatRequest,
        _ model: AnthropicModel,
        _ job: Job
    ) throws(GatewayError) -> ToolChoice? {
        guard !chat.tools.isEmpty, let choice = chat.toolChoice, !model.takesForcedTools else { return chat.toolChoice }
        switch choice {
        case .auto, .none, .allowed(_, isRequired: false): return choice
        case .required, .function, .allowed(_, isRequired: true):
            try job.refuse("tool_choice", "This model cannot be made to call a tool.")
            return .auto
        }
    }
}
