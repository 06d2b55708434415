internal import Core
internal import JSON
internal import OpenAIAPI

/// Writes the tools, and whether they may, must or must not be called.
enum AnthropicTools {
    /// What else a tool may say to this vendor.
    private static let extras: [StaticString] = [
        "cache_control", "defer_loading", "eager_input_streaming", "input_examples",
    ]

    static func write(
        _ chat: ChatRequest,
        _ plan: AnthropicPlan,
        _ job: Job,
        to writer: inout JSONWriter
    ) throws(GatewayError) {
        var tools = chat.tools
        if case .allowed(let names, _)? = plan.toolChoice { tools.removeAll { !names.contains($0.name) } }
        var answer: JSONValue?
        if case .tool(let schema) = plan.format { answer = schema }
        guard !tools.isEmpty || answer != nil else { return }
        writer.key("tools")
        writer.beginArray()
        for tool in tools { try write(tool, plan, job, to: &writer) }
        if let answer {
            writer.beginObject()
            writer.member("name", AnthropicPlan.jsonTool)
            writer.member("description", "Gives the final answer. Call it instead of writing the answer as text.")
            writer.key("input_schema")
            write(schema: answer, to: &writer)
            writer.endObject()
        }
        writer.endArray()
        writeChoice(plan, hasTools: !tools.isEmpty, chat.allowsParallelCalls == false, to: &writer)
    }

    private static func write(
        _ tool: FunctionTool,
        _ plan: AnthropicPlan,
        _ job: Job,
        to writer: inout JSONWriter
    ) throws(GatewayError) {
        writer.beginObject()
        writer.member("name", tool.name)
        if let description = tool.description, description.isString, !description.isEmptyString {
            writer.key("description")
            writer.value(description)
        }
        writer.key("input_schema")
        write(schema: tool.parameters, to: &writer)
        if tool.isStrict == true {
            if plan.model.takesSchemas {
                writer.member("strict", true)
            } else {
                try job.refuse("tools", "This model cannot be held to the schema of a tool: 'strict' must not be set.")
            }
        }
        for name in extras {
            guard let value = tool.source.present(name) ?? tool.source["function"]?.present(name) else { continue }
            writer.key(name)
            writer.value(value)
        }
        writer.endObject()
    }

    /// The vendor wants the schema of an object, and one where there are no arguments as well.
    private static func write(schema: JSONValue?, to writer: inout JSONWriter) {
        guard let schema, schema.count > 0 else {
            writer.raw(.literal(#"{"type":"object","properties":{}}"#))
            return
        }
        guard schema.present("type") == nil else { return writer.value(schema) }
        var typed = ByteBuffer()
        schema.append(to: &typed, editing: [.set("type", .literal(#""object""#))])
        writer.raw(.bytes(typed.take()))
    }

    private static func writeChoice(
        _ plan: AnthropicPlan,
        hasTools: Bool,
        _ isSerial: Bool,
        to writer: inout JSONWriter
    ) {
        var type: String?
        var name: String?
        switch plan.toolChoice {
        case .auto?, .allowed(_, isRequired: false)?: type = "auto"
        case .none?: type = "none"
        case .required?, .allowed(_, isRequired: true)?: type = "any"
        case .function(let wanted)?: (type, name) = ("tool", wanted)
        case nil: break
        }
        if case .tool = plan.format {
            // Beside other tools the answer is one more that may be chosen, but one must be. None can be made to call
            // while it thinks.
            (type, name) = hasTools && type != "none" ? ("any", nil) : ("tool", AnthropicPlan.jsonTool)
            if plan.thinking.isOn { (type, name) = ("auto", nil) }
        }
        guard let chosen = type ?? (isSerial ? "auto" : nil) else { return }
        writer.key("tool_choice")
        writer.beginObject()
        writer.member("type", chosen)
        if let name { writer.member("name", name) }
        if isSerial, chosen != "none" { writer.member("disable_parallel_tool_use", true) }
        writer.endObject()
    }
}
