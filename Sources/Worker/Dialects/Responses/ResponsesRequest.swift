package import Core
internal import JSON
package import OpenAIAPI

/// A request of the Responses API, before what it refers to has been found.
package struct ResponsesRequest: Sendable {
    let document: JSONDocument
    /// The answer it goes on from.
    package let previous: String?
    /// Whether the answer is to be found again.
    package let stores: Bool

    package init(_ body: [UInt8]) throws(GatewayError) {
        document = try ModelRequest.parse(body)
        let root = document.root
        guard root.isObject else { throw .invalid(nil, "The request body must be a JSON object.") }
        guard let input = root.present("input"), input.isString || input.isArray else {
            throw .invalid("input", "You must provide an input parameter.", code: .missingParameter)
        }
        if let value = root.present("previous_response_id") {
            guard let id = value.string else {
                throw .invalid("previous_response_id", "'previous_response_id' must be a string.")
            }
            previous = id
        } else {
            previous = nil
        }
        stores = try Self.flag(root, "store") ?? true
        if try Self.flag(root, "background") == true {
            throw .invalid("background", "Answers are not made in the background here.", code: .unsupportedParameter)
        }
        for name in ["conversation", "prompt"] as [StaticString] where root.present(name) != nil {
            throw .invalid("\(name)", "'\(name)' is not kept here.", code: .unsupportedParameter)
        }
    }

    private static func flag(_ root: JSONValue, _ name: StaticString) throws(GatewayError) -> Bool? {
        guard let value = root.present(name) else { return nil }
        guard let flag = value.bool else { throw .invalid("\(name)", "'\(name)' must be a boolean.") }
        return flag
    }

    /// The request in the words of chat; `history` is the record of the answer it goes on from.
    package func chat(history: [UInt8]?) throws(GatewayError) -> ModelRequest {
        let root = document.root
        var items = try ResponsesItems(history: history)
        try items.append(input: root["input"])
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("model", root["model"] ?? root)
        writer.key("messages")
        try items.writeMessages(instructions: root.present("instructions"), to: &writer)
        copy(root, to: &writer)
        try ResponsesTools.write(root, to: &writer)
        try writeForm(root, to: &writer)
        writer.endObject()
        guard root.present("model") != nil else {
            throw .invalid("model", "You must provide a model parameter.", code: .missingParameter)
        }
        return try ModelRequest(.chat, body: writer.take())
    }

    private func copy(_ root: JSONValue, to writer: inout JSONWriter) {
        let same: [StaticString] = [
            "temperature", "top_p", "user", "safety_identifier", "prompt_cache_key", "service_tier", "stream",
            "parallel_tool_calls",
        ]
        for name in same {
            guard let value = root.present(name) else { continue }
            // Without tools OpenAI refuses to hear of it.
            if "\(name)" == "parallel_tool_calls", root["tools"].map({ $0.count == 0 }) ?? true { continue }
            writer.member(name, value)
        }
        if root.present("stream")?.bool == true { writer.object("stream_options") { $0.member("include_usage", true) } }
        if let limit = root.present("max_output_tokens") { writer.member("max_completion_tokens", limit) }
        if let effort = root["reasoning"]?.present("effort") { writer.member("reasoning_effort", effort) }
        if let count = root.present("top_logprobs"), count.int != 0 {
            writer.member("logprobs", true)
            writer.member("top_logprobs", count)
        }
    }

    private func writeForm(_ root: JSONValue, to writer: inout JSONWriter) throws(GatewayError) {
        guard let text = root.present("text") else { return }
        if let verbosity = text.present("verbosity") { writer.member("verbosity", verbosity) }
        guard let format = text.present("format") else { return }
        switch format["type"]?.string {
        case "text": break
        case "json_object": writer.member("response_format", format)
        case "json_schema":
            writer.object("response_format") { writer in
                writer.member("type", "json_schema")
                writer.object("json_schema") { writer in
                    for name in ["name", "description", "schema", "strict"] as [StaticString] {
                        if let value = format.present(name) { writer.member(name, value) }
                    }
                }
            }
        default: throw .invalid("text.format.type", "'text.format.type' must be text, json_object or json_schema.")
        }
    }
}
