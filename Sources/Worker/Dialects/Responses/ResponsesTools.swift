internal import Core
internal import JSON
internal import OpenAIAPI

/// Tools of the Responses API, which are flat, in the words of chat.
enum ResponsesTools {
    static func write(_ root: JSONValue, to writer: inout JSONWriter) throws(GatewayError) {
        if let tools = root.present("tools"), tools.count > 0 {
            writer.key("tools")
            writer.beginArray()
            var place = 0
            for tool in tools.elements {
                try write(tool, at: place, to: &writer)
                place += 1
            }
            writer.endArray()
        }
        guard let choice = root.present("tool_choice") else { return }
        if choice.isString {
            // It asks for nothing where there are no tools, and OpenAI refuses it there.
            if root["tools"].map({ $0.count > 0 }) ?? false { writer.member("tool_choice", choice) }
            return
        }
        switch choice["type"]?.string {
        case "function":
            writer.object("tool_choice") { writer in
                writer.member("type", "function")
                writer.object("function") { $0.member("name", choice["name"]?.string ?? "") }
            }
        case "allowed_tools":
            writer.object("tool_choice") { writer in
                writer.member("type", "allowed_tools")
                writer.object("allowed_tools") { writer in
                    writer.member("mode", choice["mode"]?.string ?? "auto")
                    writer.array("tools") { writer in
                        for tool in choice["tools"]?.elements.map({ $0 }) ?? [] {
                            writer.object { writer in
                                writer.member("type", "function")
                                writer.object("function") { $0.member("name", tool["name"]?.string ?? "") }
                            }
                        }
                    }
                }
            }
        default:
            throw .invalid(
                "tool_choice.type",
                "Only functions can be chosen here.",
                code: .unsupportedParameter
            )
        }
    }

    private static func write(_ tool: JSONValue, at place: Int, to writer: inout JSONWriter) throws(GatewayError) {
        guard tool["type"]?.equals("function") == true else {
            throw .invalid(
                "tools[\(place)].type",
                "Tools of the type '\((tool["type"]?.string ?? "").prefix(60))' run at one vendor only and cannot be "
                    + "passed on.",
                code: .unsupportedParameter
            )
        }
        guard let name = tool["name"], name.isString else {
            throw .invalid("tools[\(place)].name", "A function must have a name.", code: .missingParameter)
        }
        writer.object { writer in
            writer.member("type", "function")
            writer.object("function") { writer in
                for name in ["name", "description", "parameters", "strict"] as [StaticString] {
                    if let value = tool.present(name) { writer.member(name, value) }
                }
            }
        }
    }
}
