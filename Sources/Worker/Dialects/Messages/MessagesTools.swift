internal import Core
internal import JSON
internal import OpenAIAPI

/// Tools of a Messages request in the words of chat.
enum MessagesTools {
    static func write(_ root: JSONValue, _ writer: inout JSONWriter) throws(GatewayError) {
        if let tools = root.present("tools"), tools.count > 0 {
            writer.key("tools")
            writer.beginArray()
            var place = 0
            for tool in tools.elements {
                try write(tool, at: place, &writer)
                place += 1
            }
            writer.endArray()
        }
        guard let choice = root.present("tool_choice") else { return }
        if choice["disable_parallel_tool_use"]?.bool == true { writer.member("parallel_tool_calls", false) }
        switch choice["type"]?.string {
        case "auto": writer.member("tool_choice", "auto")
        case "any": writer.member("tool_choice", "required")
        case "none": writer.member("tool_choice", "none")
        case "tool":
            guard let name = choice["name"], name.isString else {
                throw .invalid("tool_choice.name", "tool_choice.tool.name: Field required", code: .missingParameter)
            }
            writer.object("tool_choice") { writer in
                writer.member("type", "function")
                writer.object("function") { $0.member("name", name) }
            }
        default: throw .invalid("tool_choice.type", "tool_choice.type: must be auto, any, tool or none")
        }
    }

    private static func write(_ tool: JSONValue, at place: Int, _ writer: inout JSONWriter) throws(GatewayError) {
        // Tools that run at the vendor have a type of their own, with its date.
        if let type = tool.present("type"), !type.equals("custom") {
            throw .invalid(
                "tools[\(place)].type",
                "Tools of the type '\((type.string ?? "").prefix(60))' run at one vendor only and cannot be passed on.",
                code: .unsupportedParameter
            )
        }
        guard let name = tool["name"], name.isString else {
            throw .invalid("tools[\(place)].name", "tools.\(place).name: Field required", code: .missingParameter)
        }
        writer.object { writer in
            writer.member("type", "function")
            writer.object("function") { writer in
                writer.member("name", name)
                if let description = tool.present("description") { writer.member("description", description) }
                if let schema = tool.present("input_schema") { writer.member("parameters", schema) }
                if let strict = tool.present("strict") { writer.member("strict", strict) }
            }
            if let control = tool.present("cache_control") { writer.member("cache_control", control) }
        }
    }
}
