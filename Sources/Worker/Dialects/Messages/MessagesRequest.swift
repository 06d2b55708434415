internal import Core
internal import JSON
internal import OpenAIAPI

/// Says a Messages request in the words of chat.
enum MessagesRequest {
    /// What has a place of its own in the chat request. Everything else goes along as it is: the vendor's own parameters,
    /// which whoever does not know them may leave out.
    private static let translated: [StaticString] = [
        "model", "max_tokens", "messages", "system", "stop_sequences", "stream", "tools", "tool_choice", "metadata",
        "output_config", "temperature", "top_p",
    ]
    private static let dispensable: [StaticString] = [
        "thinking", "top_k", "service_tier", "container", "context_management", "mcp_servers", "speed", "cache_control",
        "inference_geo", "diagnostics", "output_config", "anthropic_beta",
    ]

    static func chat(_ body: [UInt8], needsLimit: Bool = true) throws(GatewayError) -> ModelRequest {
        let root = try ModelRequest.parse(body).root
        guard root.isObject else { throw .invalid(nil, "The request body must be a JSON object.") }
        guard !needsLimit || root.present("max_tokens") != nil else {
            throw .invalid("max_tokens", "max_tokens: Field required", code: .missingParameter)
        }
        guard let messages = root.present("messages"), messages.isArray else {
            throw .invalid("messages", "messages: Field required", code: .missingParameter)
        }
        var writer = JSONWriter()
        writer.beginObject()
        for name in ["model", "temperature", "top_p", "stream"] as [StaticString] {
            if let value = root.present(name) { writer.member(name, value) }
        }
        if root.present("stream")?.bool == true {
            writer.object("stream_options") { $0.member("include_usage", true) }
        }
        if let limit = root.present("max_tokens") { writer.member("max_completion_tokens", limit) }
        if let stop = root.present("stop_sequences") { writer.member("stop", stop) }
        if let user = root["metadata"]?.present("user_id") { writer.member("user", user) }
        try writeMessages(root, messages, &writer)
        try MessagesTools.write(root, &writer)
        writeOutput(root, &writer)
        for (key, value) in root.members where !translated.contains(where: { key.equals($0) }) {
            writer.key(key.string ?? "")
            writer.value(value)
        }
        writer.endObject()
        var request = try ModelRequest(.chat, body: writer.take())
        request.dispensable = dispensable
        return request
    }

    private static func writeOutput(_ root: JSONValue, _ writer: inout JSONWriter) {
        guard let output = root.present("output_config") else {
            if let effort = effort(root.present("thinking")) { writer.member("reasoning_effort", effort) }
            return
        }
        if let effort = output.present("effort") { writer.member("reasoning_effort", effort) }
        if let format = output.present("format"), let schema = format.present("schema") {
            writer.object("response_format") { writer in
                writer.member("type", "json_schema")
                writer.object("json_schema") { writer in
                    writer.member("name", "answer")
                    writer.member("schema", schema)
                    writer.member("strict", true)
                }
            }
        }
    }

    /// A budget of thinking in the words of those who have none.
    private static func effort(_ thinking: JSONValue?) -> String? {
        guard let thinking, thinking["type"]?.equals("enabled") == true, let budget = thinking["budget_tokens"]?.int
        else { return nil }
        return budget <= 2048 ? "low" : budget <= 8192 ? "medium" : "high"
    }

    private static func writeMessages(
        _ root: JSONValue,
        _ messages: JSONValue,
        _ writer: inout JSONWriter
    ) throws(GatewayError) {
        writer.key("messages")
        writer.beginArray()
        if let system = root.present("system") {
            writer.beginObject()
            writer.member("role", "system")
            if system.isString {
                writer.member("content", system)
            } else {
                try MessagesContent.writeParts(Array(system.elements), path: "system", &writer)
            }
            writer.endObject()
        }
        var place = 0
        for message in messages.elements {
            try MessagesContent.write(message, path: "messages[\(place)]", &writer)
            place += 1
        }
        writer.endArray()
    }
}
