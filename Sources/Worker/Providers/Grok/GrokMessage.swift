/// What is written into the one field that the application has for all that is said.
enum GrokMessage {
    /// The first message of a conversation: the instructions, and what was said before if there was anything.
    static func first(_ turn: Turn, _ messages: [WebMessage]) -> String {
        if messages.count <= 1 {
            return joined([turn.instructions] + messages.map(\.text))
        }
        var parts: [String] = []
        if !turn.instructions.isEmpty { parts.append("[System]\n" + turn.instructions) }
        for message in messages where !message.text.isEmpty { parts.append(label(message.role) + message.text) }
        return joined(parts)
    }

    /// What is new; the application knows the rest.
    static func next(_ turn: Turn) -> String {
        let instructions = turn.past?.hasNewInstructions == true ? turn.instructions : ""
        return joined([instructions] + turn.news.map(\.text))
    }

    private static func joined(_ parts: [String]) -> String {
        parts.filter { !$0.isEmpty }.joined(separator: "\n\n")
    }

    private static func label(_ role: WebMessage.Role) -> String {
        switch role {
        case .system: "[System]\n"
        case .user: "[User]\n"
        case .assistant: "[Assistant]\n"
        }
    }
}
