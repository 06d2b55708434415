internal import Core
internal import JSON
internal import OpenAIAPI

/// Writes the tools, and whether they may or must be called.
enum MiniMaxTools {
    /// What the model must be told because there is no parameter for it.
    static func hint(_ chat: ChatRequest, _ model: MiniMaxModel) -> [String] {
        guard !chat.tools.isEmpty else { return [] }
        var words: [String] = []
        if case .function(let name)? = chat.toolChoice, !model.isModern {
            words.append("You must call the tool '\(name)'.")
        }
        if chat.allowsParallelCalls == false { words.append("Call no more than one tool at a time.") }
        return words
    }

    static func write(
        _ chat: ChatRequest,
        _ job: Job,
        _ model: MiniMaxModel,
        to writer: inout JSONWriter
    ) throws(GatewayError) {
        var tools = chat.tools
        var word: String?
        switch chat.toolChoice {
        case nil: break
        case .auto?: word = "auto"
        case ToolChoice.none?: word = "none"
        case .required?: word = try must(job, model)
        case .function(let name)?:
            // It cannot be told which, so it is offered no other.
            tools.removeAll { $0.name != name }
            word = model.isModern ? "required" : "auto"
        case .allowed(let names, let isRequired)?:
            tools.removeAll { !names.contains($0.name) }
            word = isRequired ? try must(job, model) : "auto"
        }
        guard !tools.isEmpty else {
            if chat.tools.isEmpty { return }
            throw .invalid("tool_choice", "'tool_choice' names a function that is not among the tools.")
        }
        writer.key("tools")
        writer.beginArray()
        for tool in tools { write(tool, to: &writer) }
        writer.endArray()
        if let word { writer.member("tool_choice", word) }
    }

    private static func must(_ job: Job, _ model: MiniMaxModel) throws(GatewayError) -> String {
        if model.isModern { return "required" }
        try job.refuse("tool_choice", "This model cannot be made to call a tool.")
        return "auto"
    }

    private static func write(_ tool: FunctionTool, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("type", "function")
        writer.key("function")
        writer.beginObject()
        writer.member("name", tool.name)
        if let description = tool.description { writer.member("description", .slice(description.raw)) }
        writer.member(
            "parameters",
            tool.parameters.map { .slice($0.raw) } ?? .literal(#"{"type":"object","properties":{}}"#)
        )
        writer.endObject()
        writer.endObject()
    }
}
