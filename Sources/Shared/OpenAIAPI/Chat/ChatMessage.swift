internal import Core
package import JSON

/// One message of a conversation, read for providers whose dialect is another one.
package struct ChatMessage {
    package enum Role {
        /// `system` and `developer`: the two mean the same everywhere but at OpenAI.
        case system
        case user
        case assistant
        /// The result of a tool; `function` messages are this as well.
        case tool
    }

    package let role: Role
    /// Nothing where the message has no content, as an assistant's with tool calls may.
    package let parts: [ContentPart]
    /// What an assistant called.
    package let toolCalls: [ToolCall]
    /// Of a tool's result: the call it answers.
    package let toolCallID: String?
    package let name: String?
    /// The message as the client wrote it, with whatever vendors' extensions it carries.
    package let source: JSONValue
    /// Where it stands in the request, for errors.
    package let path: String

    init(_ source: JSONValue, at place: Int) throws(GatewayError) {
        self.source = source
        path = "messages[\(place)]"
        let word = source["role"]?.string ?? ""
        switch word {
        case "system", "developer": role = .system
        case "assistant": role = .assistant
        case "tool", "function": role = .tool
        default: role = .user
        }
        name = source.present("name")?.string
        parts = try Self.parts(source.present("content"), path + ".content")
        toolCalls = role == .assistant ? try Self.calls(source, path) : []
        // Results of the old functions name the function; their calls had no other id either.
        toolCallID = source.present("tool_call_id")?.string ?? (word == "function" ? name : nil)
        if role == .tool, toolCallID == nil {
            throw .invalid(
                "\(path).tool_call_id",
                "A tool message must say which call it answers.",
                code: .missingParameter
            )
        }
    }

    /// The texts of all parts in one; what is no text is left out.
    package var text: String {
        parts.reduce(into: "") { text, part in
            if case .text(let value) = part.kind { text += value.string ?? "" }
        }
    }

    package var reasoning: JSONValue? {
        guard let text = source.present("reasoning_content") ?? source.present("reasoning"), text.isString else {
            return nil
        }
        return text
    }

    private static func parts(_ content: JSONValue?, _ path: String) throws(GatewayError) -> [ContentPart] {
        guard let content else { return [] }
        if content.isString { return [try ContentPart(content, path: path)] }
        var parts: [ContentPart] = []
        for element in content.elements {
            parts.append(try ContentPart(element, path: "\(path)[\(parts.count)]"))
        }
        return parts
    }

    private static func calls(_ source: JSONValue, _ path: String) throws(GatewayError) -> [ToolCall] {
        var calls: [ToolCall] = []
        if let list = source.present("tool_calls") {
            guard list.isArray else { throw .invalid("\(path).tool_calls", "'tool_calls' must be an array.") }
            for element in list.elements {
                calls.append(try ToolCall(element, path: "\(path).tool_calls[\(calls.count)]"))
            }
        }
        if let old = source.present("function_call"), old.isObject {
            calls.append(try ToolCall(function: old, path: "\(path).function_call"))
        }
        return calls
    }
}

/// A tool that an assistant called.
package struct ToolCall {
    package let id: String
    package let name: String
    /// JSON in a string, as the model wrote it: not always valid.
    package let arguments: String
    package let source: JSONValue
    package let path: String

    init(_ source: JSONValue, path: String) throws(GatewayError) {
        guard source["type"].map({ $0.equals("function") }) ?? true, let function = source["function"] else {
            throw .invalid(path, "Only calls of functions can be passed on to this model.", code: .unsupportedParameter)
        }
        guard let id = source["id"]?.string, !id.isEmpty else {
            throw .invalid("\(path).id", "A tool call must have an id.", code: .missingParameter)
        }
        try self.init(id: id, function: function, source, path: path)
    }

    /// A call in the words from before there were tools.
    init(function: JSONValue, path: String) throws(GatewayError) {
        try self.init(id: function["name"]?.string ?? "", function: function, function, path: path)
    }

    private init(id: String, function: JSONValue, _ source: JSONValue, path: String) throws(GatewayError) {
        guard let name = function["name"]?.string, !name.isEmpty else {
            throw .invalid("\(path).function.name", "A call must name its function.", code: .missingParameter)
        }
        self.id = id
        self.name = name
        // Some clients send the object itself.
        arguments = function["arguments"].map { $0.string ?? String(decoding: $0.raw, as: UTF8.self) } ?? ""
        self.source = source
        self.path = path
    }

    /// The arguments as an object's JSON text, which most dialects want; nil where they are none. Nothing at all is `{}`.
    package var argumentsObject: [UInt8]? {
        let bytes = Array(arguments.utf8)
        if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }) { return Array("{}".utf8) }
        guard let document = try? JSONDocument(parsing: bytes), document.root.isObject else { return nil }
        return Array(document.root.raw)
    }
}
