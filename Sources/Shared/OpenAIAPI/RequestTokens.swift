package import JSON
package import Tokenizer

/// Counts the tokens of a chat request's prompt, as far as they can be known from outside: what OpenAI documents of
/// messages, and other parts by their JSON. What images and files cost is their model's affair: they are not counted.
///
/// It takes about as long as encoding the text does. Swift code of a worker may run on the
/// loop only, so who has megabytes to count does it message by message, `count(message:)`, and lets the loop on in between.
package enum RequestTokens {
    /// What a message costs beside its text.
    private static let messageOverhead = 3
    /// Every answer is primed with the assistant's role.
    private static let priming = 3
    private static let nameOverhead = 1

    package static func count(_ root: JSONValue, _ encoding: TokenEncoding) -> Int {
        var sum = frame(root, encoding)
        guard let messages = root["messages"] else { return sum }
        for message in messages.elements { sum += count(message: message, encoding) }
        return sum
    }

    /// All but the messages.
    package static func frame(_ root: JSONValue, _ encoding: TokenEncoding) -> Int {
        var sum = priming
        if let tools = root.present("tools") { sum += json(tools, encoding) }
        if let functions = root.present("functions") { sum += json(functions, encoding) }
        if let format = root.present("response_format") { sum += json(format, encoding) }
        return sum
    }

    package static func count(message: JSONValue, _ encoding: TokenEncoding) -> Int {
        var sum = messageOverhead
        if let role = message.present("role") { sum += text(role, encoding) }
        if let name = message.present("name") { sum += nameOverhead + text(name, encoding) }
        if let calls = message.present("tool_calls") { sum += json(calls, encoding) }
        if let call = message.present("function_call") { sum += json(call, encoding) }
        guard let content = message.present("content") else { return sum }
        if content.isString { return sum + text(content, encoding) }
        for part in content.elements {
            if let said = part.present("text") ?? part.present("refusal") { sum += text(said, encoding) }
        }
        return sum
    }

    private static func text(_ value: JSONValue, _ encoding: TokenEncoding) -> Int {
        encoding.count(Array((value.string ?? "").utf8))
    }

    private static func json(_ value: JSONValue, _ encoding: TokenEncoding) -> Int { encoding.count(Array(value.raw)) }
}
