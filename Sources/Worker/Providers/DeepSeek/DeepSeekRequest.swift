internal import Core
internal import JSON
internal import OpenAIAPI

/// What must be put differently for DeepSeek to understand it as OpenAI would.
enum DeepSeekRequest {
    static func edits(_ root: JSONValue, model: String) throws(GatewayError) -> [JSONEdit] {
        var edits: [JSONEdit] = []
        if let count = root.present("n"), count.int != 1 {
            throw .notHere("n", "DeepSeek gives one choice only.")
        }
        // It ignores the newer name without a word, and then nothing limits the answer.
        if let limit = root.present("max_completion_tokens") {
            edits.append(.set("max_tokens", .slice(limit.raw)))
            edits.append(.remove("max_completion_tokens"))
        }
        if root["parallel_tool_calls"] != nil { edits.append(.remove("parallel_tool_calls")) }
        if let effort = root.present("reasoning_effort"), root.present("thinking") == nil {
            let isOff = effort.equals("none")
            edits.append(.set("thinking", .literal(isOff ? #"{"type":"disabled"}"# : #"{"type":"enabled"}"#)))
            if isOff { edits.append(.remove("reasoning_effort")) }
        }
        if root["response_format"]?["type"]?.equals("json_schema") == true {
            throw .notHere(
                "response_format",
                "DeepSeek does not offer 'json_schema'; use 'json_object' and describe the schema in a message."
            )
        }
        let thinks = Self.thinks(root, model: model)
        if let messages = root["messages"], let rewritten = Self.messages(messages, thinks: thinks) {
            edits.append(.set("messages", .bytes(rewritten)))
        }
        return edits
    }

    /// Whether the model thinks before it speaks: it does unless it is told otherwise, or goes by its oldest name.
    private static func thinks(_ root: JSONValue, model: String) -> Bool {
        if let told = root.present("thinking")?["type"] { return told.equals("enabled") }
        if let effort = root.present("reasoning_effort") { return !effort.equals("none") }
        return model != "deepseek-chat"
    }

    /// A call whose thoughts are not carried. A model that thinks refuses it, and takes a blank for thoughts.
    private static func lacksThoughts(_ message: JSONValue) -> Bool {
        guard let calls = message.present("tool_calls"), calls.count > 0 else { return false }
        return message.present("reasoning_content").map(\.isEmptyString) ?? true
    }

    /// The messages with the roles it knows, with text parts joined and no thoughts missed, or nil when they can stay.
    private static func messages(_ messages: JSONValue, thinks: Bool) -> [UInt8]? {
        let mustChange = messages.elements.contains {
            $0["role"]?.equals("developer") == true || isTextOnly($0["content"]) || (thinks && lacksThoughts($0))
        }
        guard mustChange else { return nil }
        var list = JSONWriter()
        list.beginArray()
        for message in messages.elements {
            var edits: [JSONEdit] = []
            if message["role"]?.equals("developer") == true { edits.append(.set("role", .literal("\"system\""))) }
            if let content = message["content"], isTextOnly(content) {
                let text = content.elements.reduce("") { $0 + ($1["text"]?.string ?? "") }
                edits.append(.set("content", .string(text)))
            }
            if thinks, lacksThoughts(message) { edits.append(.set("reasoning_content", .literal(#"" ""#))) }
            var rewritten = ByteBuffer()
            message.append(to: &rewritten, editing: edits)
            list.raw(.bytes(rewritten.take()))
        }
        list.endArray()
        return list.take()
    }

    private static func isTextOnly(_ content: JSONValue?) -> Bool {
        guard let content, content.isArray, content.count > 0 else { return false }
        return content.elements.allSatisfy { $0["type"]?.equals("text") == true }
    }
}
