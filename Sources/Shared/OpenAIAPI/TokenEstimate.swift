package import Core
internal import JSON

/// What a request will probably use, guessed from its text before it is sent: what limits reserve, and what is charged
/// where an upstream reports no usage.
package enum TokenEstimate {
    /// What is set aside for an answer whose length the client does not limit.
    private static let usualAnswer = 1024
    /// An image or a file, whose size says little.
    private static let attachment = 800
    /// Role and separators of a message.
    private static let messageOverhead = 4
    /// Nobody means more; sums of it stay far from overflowing.
    private static let most = 1 << 32

    package static func usage(of request: ModelRequest) -> TokenUsage {
        let root = request.document.root
        switch request.operation {
        case .chat: return TokenUsage(prompt: messages(root) + tools(root), completion: answers(root))
        case .completion: return TokenUsage(prompt: input(root["prompt"]), completion: answers(root))
        case .embedding: return TokenUsage(prompt: input(root["input"]))
        }
    }

    /// Whether the client itself limits the answer; else its part of the estimate is a mere habit.
    package static func isLimited(_ request: ModelRequest) -> Bool { limit(request.document.root) != nil }

    private static func limit(_ root: JSONValue) -> Int? {
        root.present("max_completion_tokens")?.int ?? root.present("max_tokens")?.int
    }

    private static func answers(_ root: JSONValue) -> Int {
        let limit = limit(root) ?? usualAnswer
        let count = root.present("n")?.int ?? 1
        return min(max(limit, 0), most) * min(max(count, 1), 128)
    }

    private static func messages(_ root: JSONValue) -> Int {
        guard let messages = root["messages"] else { return 0 }
        var sum = 0
        for message in messages.elements {
            sum += messageOverhead
            if let calls = message["tool_calls"] { sum += tokens(calls.raw.count) }
            guard let content = message["content"] else { continue }
            if content.isString {
                sum += tokens(content.raw.count)
            } else {
                for part in content.elements { sum += part["text"].map { tokens($0.raw.count) } ?? attachment }
            }
        }
        return sum
    }

    private static func tools(_ root: JSONValue) -> Int {
        (root["tools"].map { tokens($0.raw.count) } ?? 0)
            + (root["response_format"].map { tokens($0.raw.count) } ?? 0)
    }

    /// A text, texts, tokens, or lists of tokens.
    private static func input(_ value: JSONValue?) -> Int {
        guard let value else { return 0 }
        if value.isString { return tokens(value.raw.count) }
        var sum = 0
        for element in value.elements {
            if element.isString {
                sum += tokens(element.raw.count)
            } else {
                sum += element.isArray ? element.count : 1
            }
        }
        return sum
    }

    /// Four bytes of English are about one token; other scripts have more bytes to a character and more tokens, too.
    private static func tokens(_ bytes: Int) -> Int { (bytes + 3) / 4 }
}
