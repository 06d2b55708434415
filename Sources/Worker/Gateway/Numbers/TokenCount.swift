import EventLoop
import JSON
import OpenAIAPI
import Tokenizer

/// Counts the tokens of whole prompts without holding up the loop for long: message by message, and what is too large to be
/// counted in one piece is estimated from its size.
@LoopActor
enum TokenCount {
    /// A megabyte takes a tenth of a second or two, during which nobody else would be served.
    private static let largest = 128 << 10

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
