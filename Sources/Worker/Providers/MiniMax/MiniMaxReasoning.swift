internal import Core
internal import JSON
internal import OpenAIAPI

/// The thoughts before a call, which the models want back with its result: as `reasoning_details`, from the client where it
/// carries them, else from what was kept.
enum MiniMaxReasoning {
    /// Calls whose thoughts the client has not carried.
    static func needs(of root: JSONValue) -> Needs {
        var needs = Needs()
        for message in root["messages"]?.elements.map({ $0 }) ?? [] where carried(by: message) == nil {
            if let id = message.present("tool_calls")?[0]?["id"]?.string { needs.calls.append(id) }
        }
        return needs
    }

    static func write(_ message: ChatMessage, _ materials: Materials, to writer: inout JSONWriter) {
        if let own = carried(by: message.source) {
            writer.member("reasoning_details", own.isString ? .bytes(details(own.raw)) : .slice(own.raw))
        } else if let call = message.toolCalls.first, let kept = materials.kept[call.id] {
            writer.member("reasoning_details", .bytes(kept))
        }
    }

    /// The vendor's list, or a text.
    private static func carried(by message: JSONValue) -> JSONValue? {
        if let list = message.present("reasoning_details"), list.isArray { return list }
        guard let text = message.present("reasoning_content") ?? message.present("reasoning"), text.isString,
            !text.isEmptyString
        else { return nil }
        return text
    }

    /// What is kept of thoughts; `text` is a JSON string.
    static func details(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginArray()
        writer.beginObject()
        writer.member("type", "reasoning.text")
        writer.member("id", "reasoning-text-1")
        writer.member("format", "MiniMax-response-v1")
        writer.member("index", 0)
        writer.member("text", .slice(text))
        writer.endObject()
        writer.endArray()
        return writer.take()
    }

    /// The texts of a message or a delta: in a member of their own, or in the list that some servers send alone.
    static func texts(of message: JSONValue) -> [JSONValue] {
        if let text = message.present("reasoning_content"), text.isString, !text.isEmptyString { return [text] }
        guard let list = message["reasoning_details"] else { return [] }
        return list.elements.compactMap { detail in
            guard let text = detail["text"], text.isString, !text.isEmptyString else { return nil }
            return text
        }
    }
}
