package import Core
package import JSON

/// A function that the model may call.
package struct FunctionTool {
    package let name: String
    package let description: JSONValue?
    /// A JSON Schema; nothing where the function takes no arguments.
    package let parameters: JSONValue?
    package let isStrict: Bool?
    /// The tool as the client wrote it.
    package let source: JSONValue

    init(_ function: JSONValue, _ source: JSONValue, path: String) throws(GatewayError) {
        guard let name = function["name"]?.string, !name.isEmpty else {
            throw .invalid("\(path).name", "A function must have a name.", code: .missingParameter)
        }
        if let parameters = function.present("parameters"), !parameters.isObject {
            throw .invalid("\(path).parameters", "'parameters' must be a JSON Schema object.")
        }
        self.name = name
        description = function.present("description")
        parameters = function.present("parameters")
        isStrict = function.present("strict")?.bool
        self.source = source
    }
}

/// Whether the model may, must or must not call, and what.
package enum ToolChoice: Equatable {
    case auto
    case none
    case required
    case function(String)
    /// Some of the tools only.
    case allowed([String], isRequired: Bool)

    package init(_ value: JSONValue) throws(GatewayError) {
        if value.isObject {
            self = try Self.object(value)
            return
        }
        switch value.string {
        case "auto": self = .auto
        case "none": self = .none
        case "required", "any": self = .required
        default: throw .invalid("tool_choice", "'tool_choice' must be 'none', 'auto', 'required' or an object.")
        }
    }

    private static func object(_ value: JSONValue) throws(GatewayError) -> ToolChoice {
        if value["type"]?.equals("allowed_tools") == true, let allowed = value["allowed_tools"] {
            var names: [String] = []
            for tool in allowed["tools"]?.elements.map({ $0 }) ?? [] {
                if let name = tool["function"]?["name"]?.string ?? tool["name"]?.string { names.append(name) }
            }
            guard !names.isEmpty else {
                throw .invalid("tool_choice.allowed_tools.tools", "'tools' must name at least one function.")
            }
            return .allowed(names, isRequired: allowed["mode"]?.equals("required") == true)
        }
        // The old `function_call` has the name at its top.
        guard let name = value["function"]?["name"]?.string ?? value["name"]?.string else {
            throw .invalid("tool_choice.function.name", "'tool_choice' must name a function.", code: .missingParameter)
        }
        return .function(name)
    }
}

/// The form an answer shall have.
package enum ResponseFormat {
    case text
    case jsonObject
    case jsonSchema(name: String, schema: JSONValue, isStrict: Bool?)

    package init(_ value: JSONValue) throws(GatewayError) {
        switch value["type"]?.string {
        case "text": self = .text
        case "json_object": self = .jsonObject
        case "json_schema":
            guard let wrapper = value["json_schema"], let schema = wrapper.present("schema"), schema.isObject else {
                throw .invalid(
                    "response_format.json_schema.schema",
                    "'json_schema' must have a 'schema' object.",
                    code: .missingParameter
                )
            }
            self = .jsonSchema(
                name: wrapper["name"]?.string ?? "answer",
                schema: schema,
                isStrict: wrapper.present("strict")?.bool
            )
        default:
            throw .invalid(
                "response_format.type",
                "'response_format.type' must be 'text', 'json_object' or 'json_schema'."
            )
        }
    }
}

/// How much a model shall think before it answers.
package enum ReasoningEffort: String {
    case none, minimal, low, medium, high, xhigh, max

    init(_ value: JSONValue, parameter: String = "reasoning_effort") throws(GatewayError) {
        guard let word = value.string, let effort = ReasoningEffort(rawValue: word) else {
            throw .invalid(parameter, "'\(parameter)' must be none, minimal, low, medium, high, xhigh or max.")
        }
        self = effort
    }
}
