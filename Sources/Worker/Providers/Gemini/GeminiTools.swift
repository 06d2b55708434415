internal import Core
internal import JSON
internal import OpenAIAPI

/// Writes the functions that the model may call, and whether it must.
struct GeminiTools {
    let chat: ChatRequest
    let model: GeminiModel

    /// Writes `tools` and `toolConfig` into an object that has been begun.
    func write(to writer: inout JSONWriter) throws(GatewayError) {
        guard !chat.tools.isEmpty else { return }
        let (mode, names) = try choice()
        writer.key("tools")
        writer.beginArray()
        writer.beginObject()
        writer.key("functionDeclarations")
        writer.beginArray()
        for (place, tool) in chat.tools.enumerated() where mode != "AUTO" || names?.contains(tool.name) ?? true {
            try write(tool, at: place, to: &writer)
        }
        writer.endArray()
        writer.endObject()
        writer.endArray()
        guard let mode else { return }
        writer.key("toolConfig")
        writer.beginObject()
        writer.key("functionCallingConfig")
        writer.beginObject()
        writer.member("mode", mode)
        // Names may be given only where a call must be made; else those that are not allowed have been left out.
        if mode == "ANY", let names {
            writer.key("allowedFunctionNames")
            writer.beginArray()
            for name in names { writer.string(name) }
            writer.endArray()
        }
        writer.endObject()
        writer.endObject()
    }

    private func choice() throws(GatewayError) -> (mode: String?, names: [String]?) {
        switch chat.toolChoice {
        case nil: return (nil, nil)
        case .auto?: return ("AUTO", nil)
        case ToolChoice.none?: return ("NONE", nil)
        case .required?: return ("ANY", nil)
        case .function(let name)?:
            try check([name], "tool_choice.function.name")
            return ("ANY", [name])
        case .allowed(let names, let isRequired)?:
            try check(names, "tool_choice.allowed_tools.tools")
            return (isRequired ? "ANY" : "AUTO", names)
        }
    }

    private func check(_ names: [String], _ parameter: String) throws(GatewayError) {
        for name in names where !chat.tools.contains(where: { $0.name == name }) {
            throw .invalid(parameter, "There is no tool named '\(name.prefix(100))'.")
        }
    }

    private func write(_ tool: FunctionTool, at place: Int, to writer: inout JSONWriter) throws(GatewayError) {
        let path = chat.usesFunctions ? "functions[\(place)]" : "tools[\(place)].function"
        guard Self.isName(tool.name) else {
            throw .notHere(
                path + ".name",
                "For Gemini the name of a function must begin with a letter or '_', and hold at most 128 letters, digits and '_.:-'."
            )
        }
        writer.beginObject()
        writer.member("name", tool.name)
        if let description = tool.description {
            writer.key("description")
            writer.value(description)
        }
        if let parameters = tool.parameters, Self.saysAnything(parameters) {
            if model.takesJSONSchema {
                writer.key("parametersJsonSchema")
                writer.value(parameters)
            } else {
                let converted = try GeminiSchema.converted(parameters, parameter: path + ".parameters")
                writer.member("parameters", .bytes(converted))
            }
        }
        writer.endObject()
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 128 else { return false }
        let isLetter = { (byte: UInt8) in (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 32) }
        return (isLetter(first) || first == UInt8(ascii: "_"))
            && name.utf8.allSatisfy { byte in
                isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "_.:-".utf8.contains(byte)
            }
    }

    /// An object of no properties is refused where it is no mistake to say nothing.
    private static func saysAnything(_ schema: JSONValue) -> Bool {
        for (key, value) in schema.members {
            if key.equals("type"), value.equals("object") { continue }
            if key.equals("properties") || key.equals("required"), value.count == 0 { continue }
            if key.equals("additionalProperties"), value.bool == false { continue }
            if key.equals("$schema") || key.equals("title") || key.equals("description") { continue }
            return true
        }
        return false
    }
}
