internal import Core
internal import OpenAIAPI

/// What the site's messages, however they were sent, come to for the client: text, thoughts, tools' traces, files.
///
/// Messages come again and again, each time longer; what was told of each is remembered by its id.
struct AnswerMachine: Sendable {
    /// What the client has been told of one message.
    private struct Told: Sendable {
        var text: VisibleText
        var thoughts = ThoughtTrail()
        var bytes = 0
        var isClosed = false
    }

    private static let mostMessages = 128

    private let showsTools: Bool
    private let keepsHistory: Bool
    private var told: [String: Told] = [:]
    private var order: [String] = []
    private var sources = CitedSources()
    /// The message whose trace stands in an open block of code.
    private var fenced: String?
    /// The message that spoke last.
    private var speaker: String?
    private var shownFiles: Set<String> = []

    /// Whether the client has anything to read or to look at.
    private(set) var hasSpoken = false
    private(set) var hasThought = false
    /// A whole answer has come.
    private(set) var isAnswered = false
    /// How the last answer ended, where it says.
    private(set) var finish: String?
    /// A picture will come later, outside of the stream.
    private(set) var awaitsImage = false
    /// What the site itself calls the model that it used.
    private(set) var model: String?
    /// Where the conversation goes on from.
    private(set) var lastMessage: String?

    init(showsTools: Bool, keepsHistory: Bool) {
        self.showsTools = showsTools
        self.keepsHistory = keepsHistory
    }

    /// The answer goes on in a further call.
    mutating func goOn() {
        isAnswered = false
        finish = nil
        // In the same breath.
        speaker = nil
    }

    mutating func receive(_ message: ChatGPTMessage, _ files: ChatGPTFiles, into pieces: inout AnswerPieces) {
        if message.role == "assistant" || message.role == "tool" {
            sources.learn(message.metadata)
            if !message.id.isEmpty { lastMessage = message.id }
            if let slug = message.metadata["model_slug"]?.string, message.role == "assistant" { model = slug }
            if message.metadata["image_gen_async"]?.bool == true { awaitsImage = shownFiles.isEmpty }
        }
        switch message.meaning {
        case .nothing, .recap: break
        case .answer: answer(message, files, &pieces)
        case .thoughts:
            let thoughts = message.content["thoughts"]?.elements ?? []
            think(change(message) { $0.thoughts.take(thoughts, isLast: message.isFinished) }, message, &pieces)
        case .musing:
            let news = change(message) { TextTail.take(message.text, after: &$0.bytes, isLast: message.isFinished) }
            think(news, message, &pieces)
        case .command: trace(message, label: label(message), message.text, &pieces)
        case .output: output(message, files, &pieces)
        case .work: show(message, files, &pieces)
        }
    }

    /// Nothing more comes: what was opened is closed.
    mutating func close(into pieces: inout AnswerPieces) { closeFence(&pieces) }

    // MARK: What is said

    private mutating func answer(_ message: ChatGPTMessage, _ files: ChatGPTFiles, _ pieces: inout AnswerPieces) {
        var sources = sources
        let isLast = message.isFinished
        var missed: [String] = []
        var sandbox: [VisibleText.SandboxFile] = []
        let news = change(message) { told in
            let news = told.text.take(message.text, isLast: isLast, &sources, message.metadata)
            if isLast, !told.isClosed {
                told.isClosed = true
                missed = told.text.takeMissed(&sources, message.metadata)
                sandbox = told.text.sandboxFiles
            }
            return news
        }
        self.sources = sources
        say(news, message, &pieces)
        if !missed.isEmpty { say("\n\n" + missed.joined(separator: " "), message, &pieces) }
        for file in sandbox { give(files.sandbox(file, message: message.id), &pieces) }
        if message.contentType == "multimodal_text" { show(message, files, &pieces) }
        guard isLast else { return }
        if let finish = message.finish { self.finish = finish }
        if message.endsTurn { isAnswered = true }
    }

    private mutating func say(_ text: String, _ message: ChatGPTMessage, _ pieces: inout AnswerPieces) {
        guard !text.isEmpty else { return }
        closeFence(&pieces)
        if let speaker, speaker != message.id, hasSpoken { pieces.text("\n\n") }
        speaker = message.id
        hasSpoken = true
        pieces.text(text)
    }

    private mutating func think(_ thought: String, _ message: ChatGPTMessage, _ pieces: inout AnswerPieces) {
        guard !thought.isEmpty else { return }
        if hasThought, speaker != message.id { pieces.reasoning("\n\n") }
        speaker = message.id
        hasThought = true
        pieces.reasoning(thought)
    }

    // MARK: What tools do

    private mutating func output(_ message: ChatGPTMessage, _ files: ChatGPTFiles, _ pieces: inout AnswerPieces) {
        trace(message, label: "Output", message.text, &pieces)
        for item in message.metadata["aggregate_result"]?["messages"]?.elements ?? [] {
            guard item["message_type"]?.string == "image", let pointer = item["image_url"]?.string else { continue }
            give(files.image(pointer), &pieces)
        }
    }

    private func label(_ message: ChatGPTMessage) -> String {
        let language = message.content["language"]?.string ?? ""
        let isKnown = !language.isEmpty && language != "unknown"
        let name = isKnown ? language : message.recipient
        return name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._+#-".contains($0)) } ? name : ""
    }

    private mutating func trace(
        _ message: ChatGPTMessage,
        label: String,
        _ text: String,
        _ pieces: inout AnswerPieces
    ) {
        guard showsTools else { return }
        let news = change(message) { TextTail.take(text, after: &$0.bytes, isLast: message.isFinished) }
        if !news.isEmpty {
            if fenced != message.id {
                closeFence(&pieces)
                pieces.text((hasSpoken ? "\n\n" : "") + "```\(label)\n")
                fenced = message.id
                speaker = message.id
                hasSpoken = true
            }
            pieces.text(news)
        }
        if message.isFinished, fenced == message.id { closeFence(&pieces) }
    }

    private mutating func closeFence(_ pieces: inout AnswerPieces) {
        guard fenced != nil else { return }
        fenced = nil
        pieces.text("\n```")
    }

    // MARK: Files

    /// Pictures, once they are whole.
    private mutating func show(_ message: ChatGPTMessage, _ files: ChatGPTFiles, _ pieces: inout AnswerPieces) {
        for part in message.parts where part["content_type"]?.string == "image_asset_pointer" {
            guard let pointer = part["asset_pointer"]?.string, !pointer.isEmpty else { continue }
            if let made = part["metadata"]?["generation"]?["height"]?.number, let whole = part["height"]?.number {
                guard made >= whole || message.isFinished else { continue }
            } else if !message.isFinished {
                continue
            }
            give(files.image(pointer), &pieces)
        }
    }

    private mutating func give(_ file: AnswerFile?, _ pieces: inout AnswerPieces) {
        guard let file, shownFiles.count < Self.mostMessages, shownFiles.insert(file.url).inserted else { return }
        closeFence(&pieces)
        hasSpoken = true
        // Words that follow stand apart.
        speaker = ""
        if file.isImage { awaitsImage = false }
        pieces.pieces.append(.file(file))
    }

    // MARK: Memory

    private mutating func change(_ message: ChatGPTMessage, _ body: (inout Told) -> String) -> String {
        if told[message.id] == nil {
            if order.count == Self.mostMessages { told[order.removeFirst()] = nil }
            order.append(message.id)
        }
        return body(&told[message.id, default: Told(text: VisibleText(takesFiles: keepsHistory))])
    }
}
