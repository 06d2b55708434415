package import Core
internal import JSON
internal import OpenAIAPI

/// Says back what the user said last. Needs no account, so that a fresh install answers its first request.
package struct EchoProvider: Provider {
    package let name = "echo"
    package let needsAccount = false
    package let knownModels = ["echo"]
    private let now: @Sendable () -> Int

    package static let definition = ProviderDefinition(name: "echo") { settings in EchoProvider(now: settings.now) }

    /// `now` is wall time in seconds since 1970.
    package init(now: @escaping @Sendable () -> Int) {
        self.now = now
    }

    package func owns(_ model: String) -> Bool { false }

    package func translate(_ job: Job) throws(GatewayError) -> Call {
        let request = job.request
        guard request.operation == .chat else { throw .notHere("model", "The echo model only chats.") }
        let text = Self.lastUserText(request.document.root)
        let pieces = Self.pieces(text)
        let usage = TokenUsage(prompt: Self.words(in: request.document.root), completion: Self.words(text))
        let writer = EchoAnswer(model: request.model, created: now(), usage: usage)
        return .local(
            LocalAnswer(
                body: request.streams ? [] : writer.whole(text),
                events: request.streams ? writer.events(pieces, includesUsage: request.wantsUsage) : [],
                usage: usage
            )
        )
    }

    package func makeStreamTranslator(for job: Job) -> any StreamTranslator {
        OpenAIStream(for: job.request)
    }

    package func translateAnswer(_ body: [UInt8], to job: Job) throws(GatewayError) -> PlainAnswer {
        try OpenAIWire.answer(body, to: job.request)
    }

    package func failure(_ answer: FailedAnswer) -> GatewayError { UpstreamFailure.make(answer) }

    private static func lastUserText(_ root: JSONValue) -> String {
        var last: JSONValue?
        if let messages = root["messages"] {
            for message in messages.elements where message["role"]?.equals("user") == true { last = message["content"] }
        }
        guard let last else { return "" }
        return last.string ?? last.elements.reduce("") { $0 + ($1["text"]?.string ?? "") }
    }

    /// One piece a word, its white space with it, as a model would speak. Long texts come in larger pieces, because every
    /// event is some hundred bytes on top of what it says.
    private static func pieces(_ text: String) -> [String] {
        let least = text.utf8.count / 2000
        var pieces: [String] = []
        var start = text.startIndex
        var wasSpace = false
        for place in text.unicodeScalars.indices {
            let isSpace = text.unicodeScalars[place].properties.isWhitespace
            if wasSpace, !isSpace, text.utf8.distance(from: start, to: place) >= least {
                pieces.append(String(text[start..<place]))
                start = place
            }
            wasSpace = isSpace
        }
        if start < text.endIndex { pieces.append(String(text[start...])) }
        return pieces
    }

    private static func words(_ text: String) -> Int {
        var count = 0
        var wasSpace = true
        for scalar in text.unicodeScalars {
            let isSpace = scalar.properties.isWhitespace
            if wasSpace, !isSpace { count += 1 }
            wasSpace = isSpace
        }
        return count
    }

    private static func words(in root: JSONValue) -> Int {
        guard let messages = root["messages"] else { return 0 }
        return messages.elements.reduce(0) { sum, message in
            guard let content = message["content"] else { return sum }
            let text = content.string ?? content.elements.reduce("") { $0 + ($1["text"]?.string ?? "") }
            return sum + words(text)
        }
    }
}
