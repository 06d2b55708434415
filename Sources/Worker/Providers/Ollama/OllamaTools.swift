internal import JSON
internal import OpenAIAPI

/// Writes the tools that the model may call. The server has no way to make it call one, or only one: it is offered no other
/// tool than those it may call, and told in words.
enum OllamaTools {
    /// What the model is told before all else.
    static func hint(_ chat: ChatRequest) -> String? {
        guard !chat.tools.isEmpty else { return nil }
        var words: [String] = []
        switch chat.toolChoice {
        case .required?, .allowed(_, isRequired: true)?: words.append("You must call one of the tools.")
        case .function(let name)?: words.append("You must call the tool '\(name)'.")
        default: break
        }
        if chat.allowsParallelCalls == false { words.append("Call no more than one tool at a time.") }
        return words.isEmpty ? nil : words.joined(separator: " ")
    }

    static func write(_ chat: ChatRequest, to writer: inout JSONWriter) {
        let tools = offered(chat)
        guard !tools.isEmpty else { return }
        writer.key("tools")
        writer.beginArray()
        for tool in tools {
            writer.beginObject()
            writer.member("type", "function")
            writer.key("function")
            writer.beginObject()
            writer.member("name", tool.name)
            if let description = tool.description {
                writer.key("description")
                writer.value(description)
            }
            // A tool without a schema is refused by some templates.
            writer.member(
                "parameters",
                tool.parameters.map { .slice($0.raw) } ?? .literal(#"{"type":"object","properties":{}}"#)
            )
            writer.endObject()
            writer.endObject()
        }
        writer.endArray()
    }

    private static func offered(_ chat: ChatRequest) -> [FunctionTool] {
        switch chat.toolChoice {
        case nil, .auto?, .required?: chat.tools
        case ToolChoice.none?: []
        case .allowed(let names, _)?: chat.tools.filter { names.contains($0.name) }
        case .function(let name)?: chat.tools.filter { $0.name == name }
        }
    }
}
