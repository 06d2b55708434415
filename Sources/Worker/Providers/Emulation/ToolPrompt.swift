package import Core
internal import JSON
package import OpenAIAPI

/// Tells a model without tools, in words, which there are and how it calls them. `ToolCallMachine` reads what it answers.
package struct ToolPrompt: Sendable {
    /// The instruction.
    package let text: String
    /// What may be called.
    package let tools: CallableTools
    /// How many calls the client wants at most.
    package let callLimit: Int
    /// Whether an answer without a call is none.
    package let demandsCall: Bool

    /// Nil where there is nothing to call, or the client wants nothing called.
    package init?(_ chat: ChatRequest) throws(GatewayError) {
        let parameter = chat.usesFunctions ? "function_call" : "tool_choice"
        let choice = chat.toolChoice ?? .auto
        if choice == .none { return nil }
        guard !chat.tools.isEmpty else {
            if choice == .auto { return nil }
            throw .invalid(parameter, "'\(parameter)' asks for a call, but there are no tools.")
        }
        var offered = chat.tools
        var demandsCall = false
        switch choice {
        case .auto, .none: break
        case .required: demandsCall = true
        case .function(let name):
            offered = try Self.named([name], of: offered, parameter)
            demandsCall = true
        case .allowed(let names, let isRequired):
            offered = try Self.named(names, of: offered, parameter)
            demandsCall = isRequired
        }
        tools = CallableTools(offered)
        callLimit = chat.allowsParallelCalls == false || chat.usesFunctions ? 1 : .max
        self.demandsCall = demandsCall
        text = Self.instruction(offered, demandsCall: demandsCall, isSingle: callLimit == 1)
    }

    /// What reads the answer.
    package var machine: ToolCallMachine { ToolCallMachine(tools, callLimit: callLimit) }

    private static func named(
        _ names: [String],
        of tools: [FunctionTool],
        _ parameter: String
    ) throws(GatewayError) -> [FunctionTool] {
        if let unknown = names.first(where: { name in !tools.contains { $0.name == name } }) {
            throw .invalid(parameter, "'\(parameter)' names '\(unknown.prefix(100))', which is none of the tools.")
        }
        return tools.filter { names.contains($0.name) }
    }

    private static func instruction(_ tools: [FunctionTool], demandsCall: Bool, isSingle: Bool) -> String {
        var lines = [
            "# Tools",
            "You can call the tools below. A call is written exactly like this, as plain text outside of any code block:",
            example(tools),
            "Between the <parameters> tags stands one JSON object that is valid against the tool's schema.",
        ]
        lines.append(
            isSingle
                ? "Make no more than one call in an answer."
                : "For several calls at once, put several <tool_call> elements into the one <tool_calls> element."
        )
        lines.append(
            "End your answer after the call. The results follow as <tool_result> elements; never write one yourself."
        )
        if demandsCall {
            lines.append(
                tools.count == 1
                    ? "You must call \(name(tools[0])) now: answer with the call and nothing else."
                    : "You must call a tool now: answer with the call and nothing else."
            )
        } else {
            lines.append("Where no tool is needed, answer as usual, without these tags.")
        }
        lines.append("The tools, one a line:")
        return (lines + tools.map(line)).joined(separator: "\n")
    }

    /// As JSON, so that nothing in a description can be mistaken for the instruction's own words.
    private static func line(_ tool: FunctionTool) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("name", tool.name)
        if let description = tool.description?.string, !description.isEmpty {
            writer.member("description", description)
        }
        if let parameters = tool.parameters {
            writer.key("parameters")
            writer.raw(.bytes(CompactJSON.bytes(parameters)))
        }
        writer.endObject()
        return ForgedTags.defuse(writer.take().text, as: .jsonEscape)
    }

    private static func name(_ tool: FunctionTool) -> String { ForgedTags.attribute(tool.name) }

    /// A call of the first tool, with the arguments that it must have.
    private static func example(_ tools: [FunctionTool]) -> String {
        let arguments = ForgedTags.defuse(ExampleArguments.text(tools[0].parameters), as: .jsonEscape)
        return "<tool_calls>" + ToolTranscript.call(tools[0].name, arguments) + "</tool_calls>"
    }
}
