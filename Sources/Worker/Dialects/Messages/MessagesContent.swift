internal import Core
internal import JSON
internal import OpenAIAPI

/// Messages with their blocks in the words of chat: one of theirs may be several of ours, since results of tools are
/// messages here.
enum MessagesContent {
    static func write(_ message: JSONValue, path: String, _ writer: inout JSONWriter) throws(GatewayError) {
        guard let role = message["role"], let content = message.present("content") else {
            throw .invalid(path, "\(path): role and content are required", code: .missingParameter)
        }
        if content.isString {
            writer.object { writer in
                writer.member("role", role)
                writer.member("content", content)
            }
            return
        }
        guard content.isArray else { throw .invalid("\(path).content", "content must be a string or a list of blocks") }
        if role.equals("assistant") {
            try writeAssistant(content, path, &writer)
        } else {
            try writeUser(role, content, path, &writer)
        }
    }

    private static func writeUser(
        _ role: JSONValue,
        _ content: JSONValue,
        _ path: String,
        _ writer: inout JSONWriter
    ) throws(GatewayError) {
        var rest: [JSONValue] = []
        for block in content.elements {
            guard block["type"]?.equals("tool_result") == true else {
                rest.append(block)
                continue
            }
            guard let id = block["tool_use_id"], id.isString else {
                throw .invalid("\(path).content", "tool_result.tool_use_id: Field required", code: .missingParameter)
            }
            writer.beginObject()
            writer.member("role", "tool")
            writer.member("tool_call_id", id)
            if let result = block.present("content") {
                if result.isString {
                    writer.member("content", result)
                } else {
                    try writeParts(Array(result.elements), path: "\(path).content", &writer)
                }
            } else {
                writer.member("content", "")
            }
            if block.present("is_error")?.bool == true { writer.member("is_error", true) }
            if let control = block.present("cache_control") { writer.member("cache_control", control) }
            writer.endObject()
        }
        if rest.isEmpty { return }
        writer.beginObject()
        writer.member("role", role)
        try writeParts(rest, path: "\(path).content", &writer)
        writer.endObject()
    }

    private static func writeAssistant(
        _ content: JSONValue,
        _ path: String,
        _ writer: inout JSONWriter
    ) throws(GatewayError) {
        var texts: [JSONValue] = []
        var thoughts: [JSONValue] = []
        var calls: [JSONValue] = []
        for block in content.elements {
            switch block["type"]?.string {
            case "text": texts.append(block)
            case "thinking", "redacted_thinking": thoughts.append(block)
            case "tool_use": calls.append(block)
            default: throw unknown(block, "\(path).content")
            }
        }
        writer.beginObject()
        writer.member("role", "assistant")
        if texts.isEmpty {
            writer.member("content", .null)
        } else {
            try writeParts(texts, path: "\(path).content", &writer)
        }
        if !thoughts.isEmpty {
            let text = thoughts.reduce(into: "") { $0 += $1["thinking"]?.string ?? "" }
            if !text.isEmpty { writer.member("reasoning_content", text) }
            writer.array("thinking_blocks") { writer in
                for block in thoughts { writer.value(block) }
            }
        }
        if !calls.isEmpty {
            writer.array("tool_calls") { writer in
                for call in calls { write(call: call, &writer) }
            }
        }
        writer.endObject()
    }

    private static func write(call: JSONValue, _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("id", call["id"]?.string ?? "")
            writer.member("type", "function")
            writer.object("function") { writer in
                writer.member("name", call["name"]?.string ?? "")
                writer.member("arguments", call["input"].map { String(decoding: $0.raw, as: UTF8.self) } ?? "{}")
            }
            if let control = call.present("cache_control") { writer.member("cache_control", control) }
        }
    }

    static func writeParts(_ blocks: [JSONValue], path: String, _ writer: inout JSONWriter) throws(GatewayError) {
        writer.key("content")
        writer.beginArray()
        for (place, block) in blocks.enumerated() { try write(block: block, path: "\(path)[\(place)]", &writer) }
        writer.endArray()
    }

    private static func write(block: JSONValue, path: String, _ writer: inout JSONWriter) throws(GatewayError) {
        switch block["type"]?.string {
        case "text": writer.value(block)
        case "image":
            let url = try address(of: block, path)
            writer.object { writer in
                writer.member("type", "image_url")
                writer.object("image_url") { $0.member("url", url) }
                if let control = block.present("cache_control") { writer.member("cache_control", control) }
            }
        case "document":
            let url = try address(of: block, path)
            writer.object { writer in
                writer.member("type", "file")
                writer.object("file") { writer in
                    writer.member("file_data", url)
                    writer.member("filename", block.present("title")?.string ?? "document")
                }
                for name in ["title", "context", "citations", "cache_control"] as [StaticString] {
                    if let value = block.present(name) { writer.member(name, value) }
                }
            }
        default: throw unknown(block, path)
        }
    }

    /// The content of an image or a document as one address.
    private static func address(of block: JSONValue, _ path: String) throws(GatewayError) -> String {
        let source = block["source"]
        switch source?["type"]?.string {
        case "base64":
            if let type = source?["media_type"]?.string, let data = source?["data"]?.string {
                return "data:\(type);base64,\(data)"
            }
        case "text":
            if let text = source?["data"]?.string {
                return "data:text/plain;base64,\(Base64.standard.encode(Array(text.utf8)))"
            }
        case "url":
            if let url = source?["url"]?.string { return url }
        default: break
        }
        throw .invalid("\(path).source", "source must be of the type base64, text or url, with its data")
    }

    private static func unknown(_ block: JSONValue, _ path: String) -> GatewayError {
        .invalid(
            path,
            "Blocks of the type '\((block["type"]?.string ?? "").prefix(60))' cannot be passed on.",
            code: .unsupportedParameter
        )
    }
}
