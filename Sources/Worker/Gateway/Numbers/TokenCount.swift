import Core
import EventLoop
import JSON
import OpenAIAPI
import Providers
import Tokenizer

/// Counts the tokens of whole prompts without holding up the loop for long: message by message, and what is too large to be
/// counted in one piece is estimated from its size.
@LoopActor
enum TokenCount {
    /// A megabyte takes a tenth of a second or two, during which nobody else would be served.
    private static let largest = 128 << 10

    /// What a request and its whole answer come to.
    static func usage(of request: ModelRequest, _ answer: [UInt8]) async -> TokenUsage {
        guard request.operation == .chat else { return TokenEstimate.usage(of: request) }
        var usage = TokenUsage(prompt: await prompt(of: request))
        let encoding = TokenEncoding(forModel: request.model)
        let choices = (try? JSONDocument(parsing: answer))?.root["choices"]
        for choice in choices?.elements.map({ $0 }) ?? [] {
            guard let message = choice["message"] else { continue }
            for name in ["content", "reasoning_content", "refusal", "tool_calls"] as [StaticString] {
                guard let said = message.present(name) else { continue }
                usage.completion += count(said, encoding)
                await Task.yield()
            }
        }
        return usage
    }

    /// What a web application's turn comes to, its provider having counted nothing: all that the model had before it, though
    /// the upstream may have remembered most of it, and all that it said.
    static func usage(of turn: Turn, _ end: TurnEnd) async -> TokenUsage {
        var usage = TokenUsage(prompt: await prompt(of: turn.request))
        usage.completion = await completion(end, model: turn.model, reasoning: &usage.reasoning)
        return usage
    }

    /// What a whole answer comes to.
    static func completion(_ end: TurnEnd, model: String) async -> Int {
        var reasoning = 0
        return await completion(end, model: model, reasoning: &reasoning)
    }

    private static func completion(_ end: TurnEnd, model: String, reasoning: inout Int) async -> Int {
        let encoding = TokenEncoding(forModel: model)
        reasoning = count(end.reasoning, encoding)
        await Task.yield()
        return reasoning + count(end.spoken, encoding)
    }

    private static func count(_ text: String, _ encoding: TokenEncoding) -> Int {
        text.utf8.count > largest ? (text.utf8.count + 3) / 4 : encoding.count(Array(text.utf8))
    }

    private static func count(_ value: JSONValue, _ encoding: TokenEncoding) -> Int {
        if value.raw.count > largest { return (value.raw.count + 3) / 4 }
        return encoding.count(value.string.map { Array($0.utf8) } ?? Array(value.raw))
    }

    static func prompt(of request: ModelRequest) async -> Int {
        let root = request.document.root
        let encoding = TokenEncoding(forModel: request.model)
        var sum =
            root.raw.count > largest && root["tools"].map({ $0.raw.count > largest }) ?? false
            ? (root["tools"]?.raw.count ?? 0) / 4 : RequestTokens.frame(root, encoding)
        guard let messages = root["messages"] else { return sum }
        for message in messages.elements {
            sum +=
                message.raw.count > largest
                ? (message.raw.count + 3) / 4 : RequestTokens.count(message: message, encoding)
            await Task.yield()
        }
        return sum
    }
}
