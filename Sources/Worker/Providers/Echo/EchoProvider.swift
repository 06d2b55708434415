package import Core
package import HTTPCodec
internal import JSON
package import OpenAIAPI

/// Says back what the user said last. Needs no account, so that a fresh install answers its first request.
package struct EchoProvider: Provider {
    package let name = "echo"
    package let aliases: [String] = []
    package let keys = [""]
    package let knownModels = ["echo"]
    private let now: @Sendable () -> Int

    /// `now` is wall time in seconds since 1970.
    package init(now: @escaping @Sendable () -> Int) {
        self.now = now
    }

    package func owns(_ model: String) -> Bool { false }

    package func translate(_ request: ModelRequest, model: String, key: String) throws(GatewayError) -> Call {
        guard request.operation == .chat else {
            throw .invalid("model", "The echo model only chats.", code: .unsupportedParameter)
        }
        let text = Self.lastUserText(request.document.root)
        let pieces = Self.pieces(text)
        let usage = TokenUsage(prompt: Self.words(in: request.document.root), completion: pieces.count)
        let writer = EchoAnswer(model: request.model, created: now(), usage: usage)
        return .local(
            LocalAnswer(
                body: request.streams ? [] : writer.whole(text),
                events: request.streams ? writer.events(pieces, includesUsage: request.wantsUsage) : [],
                usage: usage
            )
        )
    }

    package func makeStreamTranslator(for request: ModelRequest) -> any StreamTranslator {
        OpenAIStream(wantsUsage: request.wantsUsage)
    }

    package func translateAnswer(_ body: [UInt8], to request: ModelRequest) throws(GatewayError) -> PlainAnswer {
        try OpenAIWire.answer(body, to: request)
    }

    package func failure(_ answer: FailedAnswer) -> GatewayError { UpstreamFailure.make(answer) }

    package func modelsRequest(key: String) -> OutgoingRequest? { nil }

    private static func lastUserText(_ root: JSONValue) -> String {
        var last: JSONValue?
        if let messages = root["messages"] {
            for message in messages.elements where message["role"]?.equals("user") == true { last = message["content"] }
        }
        guard let last else { return "" }
        return last.string ?? last.elements.reduce("") { $0 + ($1["text"]?.string ?? "") }
    }

    /// One piece a word, its white space with it, as a model would speak.
    private static func pieces(_ text: String) -> [String] {
        var pieces: [String] = []
        var piece = ""
        var wasSpace = false
        for character in text {
            if wasSpace, !character.isWhitespace {
                pieces.append(piece)
                piece = ""
            }
            piece.append(character)
            wasSpace = character.isWhitespace
        }
        if !piece.isEmpty { pieces.append(piece) }
        return pieces
    }

    private static func words(in root: JSONValue) -> Int {
        guard let messages = root["messages"] else { return 0 }
        return messages.elements.reduce(0) { sum, message in
            guard let content = message["content"] else { return sum }
            let text = content.string ?? content.elements.reduce("") { $0 + ($1["text"]?.string ?? "") }
            return sum + pieces(text).count
        }
    }
}
