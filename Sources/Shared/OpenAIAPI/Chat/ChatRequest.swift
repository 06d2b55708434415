package import Core
package import JSON

/// A chat request read member by member, for providers whose dialect is not OpenAI's. Those that speak it edit the
/// client's document instead, and never make one of these.
///
/// Nothing is lost: each part keeps the value it was read from, and what is not read here is still in `root`.
package struct ChatRequest {
    package let root: JSONValue
    package let messages: [ChatMessage]
    package let tools: [FunctionTool]
    /// Nothing where the client did not say.
    package let toolChoice: ToolChoice?
    package let allowsParallelCalls: Bool?
    package let responseFormat: ResponseFormat
    package let maxTokens: Int?
    package let stop: [String]
    package let effort: ReasoningEffort?
    package let choices: Int
    /// The client asked with `functions`, and wants its answer in these words.
    package let usesFunctions: Bool

    package init(_ request: ModelRequest) throws(GatewayError) {
        root = request.document.root
        var messages: [ChatMessage] = []
        for element in root["messages"]?.elements.map({ $0 }) ?? [] {
            messages.append(try ChatMessage(element, at: messages.count))
        }
        self.messages = messages
        usesFunctions = root.present("functions") != nil
        tools = try Self.tools(root)
        toolChoice = try (root.present("tool_choice") ?? root.present("function_call")).map {
            choice throws(GatewayError) in
            try ToolChoice(choice)
        }
        allowsParallelCalls = root.present("parallel_tool_calls")?.bool
        responseFormat =
            try root.present("response_format").map { format throws(GatewayError) in
                try ResponseFormat(format)
            } ?? .text
        maxTokens = root.present("max_completion_tokens")?.int ?? root.present("max_tokens")?.int
        if let maxTokens, maxTokens < 1 {
            let name = root.present("max_completion_tokens") == nil ? "max_tokens" : "max_completion_tokens"
            throw .invalid(name, "'\(name)' must be at least 1.")
        }
        stop = try Self.stop(root)
        effort = try root.present("reasoning_effort").map { effort throws(GatewayError) in
            try ReasoningEffort(effort)
        }
        choices = root.present("n")?.int ?? 1
        guard (1...128).contains(choices) else { throw .invalid("n", "'n' must be from 1 to 128.") }
    }

    /// The name of the function that the call with this id called, as the history has it. Dialects without ids want it.
    package func functionName(ofCall id: String) -> String? {
        for message in messages.reversed() {
            for call in message.toolCalls where call.id == id { return call.name }
        }
        return nil
    }

    private static func tools(_ root: JSONValue) throws(GatewayError) -> [FunctionTool] {
        var tools: [FunctionTool] = []
        for tool in root.present("tools")?.elements.map({ $0 }) ?? [] {
            let path = "tools[\(tools.count)]"
            guard tool["type"]?.equals("function") == true, let function = tool["function"] else {
                throw .invalid(
                    "\(path).type",
                    "This model takes tools of type 'function' only.",
                    code: .unsupportedParameter
                )
            }
            tools.append(try FunctionTool(function, tool, path: "\(path).function"))
        }
        for function in root.present("functions")?.elements.map({ $0 }) ?? [] {
            tools.append(try FunctionTool(function, function, path: "functions[\(tools.count)]"))
        }
        return tools
    }

    private static func stop(_ root: JSONValue) throws(GatewayError) -> [String] {
        guard let stop = root.present("stop") else { return [] }
        if let one = stop.string { return [one] }
        var list: [String] = []
        for element in stop.elements {
            guard let text = element.string else {
                throw .invalid("stop", "'stop' must be a string or an array of strings.")
            }
            list.append(text)
        }
        return list
    }
}
