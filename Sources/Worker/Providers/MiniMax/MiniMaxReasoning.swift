internal import Core
internal import JSON
internal import OpenAIAPI

/// The thoughts before a call, which the models want back with its result: as `reasoning_details`, from the client where it
/// carries them, else from what was kept.
enum MiniMaxReasoning {
    static func needs(of root: JSONValue) -> Needs {
        var needs = Needs()
        for message in root["messages"]?.elements.map({ $0 }) ?? [] {
            guard let calls = message.present("tool_calls"), message.present("reasoning_details") == nil else {
                continue
            }
            if let id = calls[0]?["id"]?.string { needs.calls.append(id) }
        }
        return needs
    }

    static func write(_ message: ChatMessage, _ materials: Materials, to writer: inout JSONWriter) {
        guard message.role == .assistant else { return }
        if let own = message.source.present("reasoning_details") {
            writer.key("reasoning_details")
            writer.value(own)
        } else if let call = message.toolCalls.first, let kept = materials.kept[call.id] {
            writer.member("reasoning_details", .bytes(kept))
        }
    }

    /// What is kept of thoughts.
    static func details(_ text: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginArray()
        writer.beginObject()
        writer.member("type", "reasoning.text")
        writer.member("id", "reasoning-text-1")
        writer.member("format", "MiniMax-response-v1")
        writer.member("index", 0)
        writer.member("text", text)
        writer.endObject()
        writer.endArray()
        return writer.take()
    }
}
