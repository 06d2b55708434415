internal import Core
internal import JSON
internal import OpenAIAPI

/// The messages with the roles that DeepSeek knows, with text parts joined and no thoughts missed.
struct DeepSeekMessages {
    /// The model wants the thoughts before its calls back.
    let thinks: Bool
    let kept: [String: [UInt8]]

    /// Nil when they can stay as they are; `hint` is said to the model before all else.
    func rewrite(_ messages: JSONValue, hint: String?) -> [UInt8]? {
        guard hint != nil || messages.elements.contains(where: mustChange) else { return nil }
        var list = JSONWriter()
        list.beginArray()
        if let hint {
            list.beginObject()
            list.member("role", "system")
            list.member("content", hint)
            list.endObject()
        }
        for message in messages.elements {
            var rewritten = ByteBuffer()
            message.append(to: &rewritten, editing: edits(message))
            list.raw(.bytes(rewritten.take()))
        }
        list.endArray()
        return list.take()
    }

    private func mustChange(_ message: JSONValue) -> Bool {
        message["role"]?.equals("developer") == true || Self.isTextOnly(message["content"])
            || thinks && DeepSeekThoughts.missing(from: message) != nil
    }

    private func edits(_ message: JSONValue) -> [JSONEdit] {
        var edits: [JSONEdit] = []
        if message["role"]?.equals("developer") == true { edits.append(.set("role", .literal("\"system\""))) }
        if let content = message["content"], Self.isTextOnly(content) {
            let text = content.elements.reduce("") { $0 + ($1["text"]?.string ?? "") }
            edits.append(.set("content", .string(text)))
        }
        if thinks, let call = DeepSeekThoughts.missing(from: message) {
            edits.append(.set("reasoning_content", DeepSeekThoughts.restored(kept[call])))
        }
        return edits
    }

    private static func isTextOnly(_ content: JSONValue?) -> Bool {
        guard let content, content.isArray, content.count > 0 else { return false }
        return content.elements.allSatisfy { $0["type"]?.equals("text") == true }
    }
}
