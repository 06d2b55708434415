internal import Core
internal import JSON
internal import OpenAIAPI

/// The items of a conversation: those of the answer it goes on from, and the new ones. Chat's messages are made of them,
/// an assistant's being several items.
struct ResponsesItems {
    private var items: [JSONValue] = []
    /// Where the new ones begin: errors name places among those only.
    private var known = 0

    /// `history` is a record as `ResponsesRecord` writes it.
    init(history: [UInt8]?) throws(GatewayError) {
        guard let history else { return }
        guard let root = try? JSONDocument(parsing: history).root, let kept = root["items"] else {
            throw GatewayError(.internalError, "The previous response cannot be read.")
        }
        items = Array(kept.elements)
        known = items.count
    }

    mutating func append(input: JSONValue?) throws(GatewayError) {
        guard let input else { return }
        if input.isString {
            items.append(input)
            return
        }
        for (place, item) in input.elements.enumerated() {
            guard item.isObject else { throw .invalid("input[\(place)]", "An item must be an object.") }
            if item["type"]?.equals("item_reference") == true {
                let id = item["id"]?.string ?? ""
                guard let found = items[..<known].first(where: { $0["id"]?.equals(id) == true }) else {
                    throw .invalid("input[\(place)].id", "There is no item with this id in the previous response.")
                }
                items.append(found)
            } else {
                items.append(item)
            }
        }
    }

    func writeMessages(instructions: JSONValue?, to writer: inout JSONWriter) throws(GatewayError) {
        writer.beginArray()
        if let instructions {
            guard instructions.isString else { throw .invalid("instructions", "'instructions' must be a string.") }
            writer.object { writer in
                writer.member("role", "system")
                writer.member("content", instructions)
            }
        }
        var turn = AssistantTurn()
        for (place, item) in items.enumerated() {
            try write(item, path: place < known ? "previous_response_id" : "input[\(place - known)]", &turn, &writer)
        }
        turn.flush(to: &writer)
        writer.endArray()
    }

    private func write(
        _ item: JSONValue,
        path: String,
        _ turn: inout AssistantTurn,
        _ writer: inout JSONWriter
    ) throws(GatewayError) {
        if item.isString {
            turn.flush(to: &writer)
            writer.object { writer in
                writer.member("role", "user")
                writer.member("content", item)
            }
            return
        }
        switch item["type"]?.string ?? "message" {
        case "message":
            guard let role = item["role"], let content = item.present("content") else {
                throw .invalid(path, "A message must have a role and content.", code: .missingParameter)
            }
            if role.equals("assistant") { return turn.say(content) }
            turn.flush(to: &writer)
            writer.beginObject()
            writer.member("role", role)
            writer.key("content")
            try ResponsesContent.write(content, path: "\(path).content", to: &writer)
            writer.endObject()
        case "reasoning": turn.think(item)
        case "function_call":
            guard item["call_id"]?.isString == true, item["name"]?.isString == true else {
                throw .invalid("\(path).call_id", "A call must have a call_id and a name.", code: .missingParameter)
            }
            turn.calls.append(item)
        case "function_call_output":
            guard let id = item["call_id"], id.isString else {
                throw .invalid("\(path).call_id", "An output must say which call it answers.", code: .missingParameter)
            }
            turn.flush(to: &writer)
            writer.beginObject()
            writer.member("role", "tool")
            writer.member("tool_call_id", id)
            writer.key("content")
            if let output = item.present("output") {
                try ResponsesContent.write(output, path: "\(path).output", to: &writer)
            } else {
                writer.string("")
            }
            writer.endObject()
        case let type:
            throw .invalid(
                "\(path).type",
                "Items of the type '\(type.prefix(60))' cannot be passed on.",
                code: .unsupportedParameter
            )
        }
    }
}

/// What an assistant said, thought and called before anybody else spoke: one message in chat.
private struct AssistantTurn {
    private var text = ""
    private var refusal = ""
    private var reasoning = ""
    private var thoughts: [JSONDocument] = []
    var calls: [JSONValue] = []
    private var hasSpoken = false

    mutating func say(_ content: JSONValue) {
        hasSpoken = true
        if let all = content.string { text += all }
        for part in content.elements {
            text += part["text"]?.string ?? ""
            refusal += part["refusal"]?.string ?? ""
        }
    }

    mutating func think(_ item: JSONValue) {
        for list in ["content", "summary"] as [StaticString] {
            guard let parts = item.present(list), parts.count > 0 else { continue }
            for part in parts.elements { reasoning += part["text"]?.string ?? "" }
            break
        }
        if let sealed = item.present("encrypted_content")?.string, let blocks = ResponsesReasoning.open(sealed) {
            thoughts.append(blocks)
        }
    }

    mutating func flush(to writer: inout JSONWriter) {
        defer { self = AssistantTurn() }
        guard hasSpoken || !calls.isEmpty else { return }
        writer.beginObject()
        writer.member("role", "assistant")
        if text.isEmpty, refusal.isEmpty, !calls.isEmpty {
            writer.member("content", .null)
        } else {
            writer.member("content", text.isEmpty ? refusal : text)
        }
        if !reasoning.isEmpty { writer.member("reasoning_content", reasoning) }
        if !thoughts.isEmpty {
            writer.array("thinking_blocks") { writer in
                for blocks in thoughts { for block in blocks.root.elements { writer.value(block) } }
            }
        }
        if !calls.isEmpty {
            writer.array("tool_calls") { [calls] writer in
                for call in calls {
                    writer.object { writer in
                        writer.member("id", call["call_id"]?.string ?? "")
                        writer.member("type", "function")
                        writer.object("function") { writer in
                            writer.member("name", call["name"]?.string ?? "")
                            writer.member("arguments", call["arguments"]?.string ?? "{}")
                        }
                    }
                }
            }
        }
        writer.endObject()
    }
}
