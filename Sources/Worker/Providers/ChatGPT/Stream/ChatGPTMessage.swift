/// A message of the site's, whichever way it came. To be let go before the next change: it shares its texts with the
/// document, and would have them copied.
struct ChatGPTMessage {
    /// What a message is to the client.
    enum Meaning {
        case nothing
        /// The answer.
        case answer
        case thoughts
        /// A thought as plain text.
        case musing
        case recap
        /// What a tool is told to do.
        case command
        /// What a tool said.
        case output
        /// What a tool made: pictures.
        case work
    }

    let id: String
    let role: String
    let recipient: String
    let channel: String?
    let contentType: String
    let status: String
    let endsTurn: Bool
    let isHidden: Bool
    let content: JSONTree
    let metadata: JSONTree

    init?(_ tree: JSONTree) {
        guard let content = tree["content"], case .object = content else { return nil }
        self.content = content
        id = tree["id"]?.string ?? ""
        role = tree["author"]?["role"]?.string ?? ""
        recipient = tree["recipient"]?.string ?? "all"
        channel = tree["channel"]?.string
        contentType = content["content_type"]?.string ?? ""
        status = tree["status"]?.string ?? ""
        endsTurn = tree["end_turn"]?.bool ?? false
        metadata = tree["metadata"] ?? .object([:])
        isHidden = metadata["is_visually_hidden_from_conversation"]?.bool ?? false
    }

    /// Nothing more comes to it.
    var isFinished: Bool { status.hasPrefix("finished") }

    var parts: [JSONTree] { content["parts"]?.elements ?? [] }

    /// The text of its parts, or that of a command or an output.
    var text: String {
        if let text = content["text"]?.string { return text }
        let parts = parts
        // The usual case, and the one in which nothing may be copied.
        if parts.count == 1 { return parts[0].string ?? "" }
        return parts.compactMap(\.string).joined()
    }

    var isAboutImages: Bool {
        metadata["async_task_type"]?.string == "image_gen" || metadata["image_gen_task_id"] != nil
    }

    /// How the answer ended, where it says: `stop`, `max_tokens`, `interrupted`.
    var finish: String? { metadata["finish_details"]?["type"]?.string }

    var meaning: Meaning {
        if isHidden || role == "user" || role == "system" { return .nothing }
        switch contentType {
        case "text", "multimodal_text": return role == "tool" ? toolMeaning : textMeaning
        case "thoughts": return .thoughts
        case "reasoning_recap": return .recap
        case "code": return role == "assistant" && isForTool && !Self.isLookUp(recipient) ? .command : .nothing
        case "execution_output": return .output
        default: return .nothing
        }
    }

    private var isForTool: Bool { recipient != "all" && !recipient.isEmpty }

    private var textMeaning: Meaning {
        // What a tool is told in plain words is not for the client, except a program or a document.
        if isForTool { return recipient == "python" || recipient.hasPrefix("canmore") ? .command : .nothing }
        switch channel {
        case nil, "final": return .answer
        default: return .musing
        }
    }

    private var toolMeaning: Meaning {
        if contentType == "multimodal_text" { return .work }
        return metadata["initial_text"] != nil ? .musing : .nothing
    }

    /// Tools that find or draw: what they are told says nothing to the reader.
    private static func isLookUp(_ recipient: String) -> Bool {
        let name = recipient.prefix { $0 != "." }
        return ["web", "browser", "bio", "dalle", "t2uay3k", "image_gen", "genui", "file_search", "myfiles_browser"]
            .contains(String(name))
    }
}
