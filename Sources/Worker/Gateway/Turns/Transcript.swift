import Core
import Crypto
import OpenAIAPI
import State

/// What a chat request says of the conversation it belongs to.
struct Transcript {
    /// Of what was said before the news: leads to the conversation that the request goes on with. Nothing without an answer
    /// in it, since two customers, or one twice, may well begin with the same words.
    let before: TranscriptDigests?
    /// The first message that the model has not seen.
    let firstNew: Int
    private let all: SHA256Digest

    init(_ chat: ChatRequest) {
        let messages = chat.messages
        let lastAnswer = messages.lastIndex { $0.role == .assistant }
        firstNew = lastAnswer.map { $0 + 1 } ?? 0
        all = Self.digest(messages[...])
        if let lastAnswer {
            let past = Self.digest(messages[..<lastAnswer])
            before = Self.digests(past, answer: messages[lastAnswer].text)
        } else {
            before = nil
        }
    }

    /// Of everything, with the answer that it got.
    func after(answer: String) -> TranscriptDigests { Self.digests(all, answer: answer) }

    private static func digests(_ said: SHA256Digest, answer: String) -> TranscriptDigests {
        let exact = SHA256Digest(of: said.hex + "\n" + trimmed(answer)).hex
        return TranscriptDigests(exact: exact, loose: said.hex)
    }

    /// System messages first, since clients differ in where they put them; the model's own have no part in it. Each part has
    /// its length before it, so that no text can pass for two.
    private static func digest(_ messages: ArraySlice<ChatMessage>) -> SHA256Digest {
        var text = ""
        for message in messages where message.role == .system { append("system", message, to: &text) }
        for message in messages where message.role == .user || message.role == .tool {
            append("user", message, to: &text)
        }
        return SHA256Digest(of: text)
    }

    private static func append(_ role: String, _ message: ChatMessage, to text: inout String) {
        let said = message.text
        text += "\(role) \(said.utf8.count)\n\(said)\n"
        for part in message.parts {
            switch part.kind {
            case .image(let url, _): text += "image \(SHA256Digest(of: url).hex)\n"
            case .file(let file): text += "file \(SHA256Digest(of: file.data ?? file.id ?? "").hex)\n"
            default: continue
            }
        }
    }

    /// Thoughts that were shown in tags are often cut off by clients, and so is white space around the answer.
    private static func trimmed(_ answer: String) -> String {
        var text = answer[...]
        if text.hasPrefix("<think>"), let end = text.range(of: "</think>") { text = text[end.upperBound...] }
        let isSpace: (Character) -> Bool = { $0.isWhitespace }
        text = text.drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        return String(text)
    }
}

extension Substring {
    /// The first place where `needle` stands.
    fileprivate func range(of needle: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(needle) { return start..<index(start, offsetBy: needle.count) }
            start = index(after: start)
        }
        return nil
    }
}
