internal import Core
internal import JSON
internal import OpenAIAPI

/// Makes pieces of the frames of one answer. Everything is looked for at both depths at which the application has put it.
struct GrokAnswer: Sendable {
    private let showsSteps: Bool
    private(set) var place = GrokPlace(conversation: "", response: "")
    private var said = GrokSaid()
    private var markup = GrokMarkup()
    private var cards = GrokCards()
    private var thoughts = GrokThoughts()
    private var steps: GrokSteps
    private var pictures: GrokPictures
    private var hasContent = false
    /// What went wrong beside the answer; it matters where there is none.
    private var aside: GatewayError?
    /// The application has said all of the answer once more, and what comes then is about the conversation.
    private var isComplete = false
    private(set) var isOver = false

    init(_ configuration: GrokConfiguration, conversation: String?) {
        showsSteps = configuration.showsSearch
        steps = GrokSteps(configuration.labels)
        pictures = GrokPictures(assetsURL: configuration.assetsURL)
        place.conversation = conversation ?? ""
    }

    mutating func take(_ root: JSONValue, into pieces: inout AnswerPieces) {
        if let error = root.present("error") {
            let isStatus = error["code"]?.int != nil
            return fail(isStatus ? GrokFailure.make(event: error) : GrokStreamError(error).error, into: &pieces)
        }
        // A frame that other gateways have unwrapped already is taken as well.
        let result = root.present("result") ?? root
        if let id = GrokPlace.id(result["conversation"]?["conversationId"]) { know(conversation: id, into: &pieces) }
        let inner = result.present("response")
        let frame = inner?.isObject == true ? inner ?? result : result
        take(frame: frame, into: &pieces)
        guard !isOver, isComplete else { return }
        if frame.present("finalMetadata") != nil || result.present("title") != nil { end(into: &pieces) }
    }

    /// The body has ended, or nothing more of interest can come.
    mutating func end(into pieces: inout AnswerPieces) {
        guard !isOver else { return }
        flush(into: &pieces)
        isOver = true
        if hasContent {
            pieces.pieces.append(.end(.stop))
        } else {
            pieces.pieces.append(.failed(aside ?? pictures.failure ?? .emptyAnswer))
        }
    }

    mutating func fail(_ error: GatewayError, into pieces: inout AnswerPieces) {
        guard !isOver else { return }
        let files = flush(into: &pieces)
        isOver = true
        if error.code == .contentFilter, hasContent {
            pieces.pieces.append(.end(.contentFilter))
        } else if files > 0, error.failureClass == .rateLimited {
            // The last pictures of an allowance come together with the news that it is used up.
            pieces.pieces.append(.end(.stop))
        } else {
            pieces.pieces.append(.failed(error))
        }
    }

    // MARK: One frame

    private mutating func take(frame: JSONValue, into pieces: inout AnswerPieces) {
        // Of a pair of answers the first is the answer.
        if let side = frame["sideBySideIndex"]?.int, side != 0 { return }
        // The whole answer has told its own id; what comes after it is about the conversation.
        if !isComplete, frame.present("userResponse") == nil, let id = GrokPlace.id(frame["responseId"]) {
            know(response: id, into: &pieces)
        }
        if let news = frame.present("streamingImageGenerationResponse")
            ?? frame.present("cachedImageGenerationResponse")
        {
            take(picture: news, into: &pieces)
        }
        if let card = frame.present("cardAttachment") { take(card: card["jsonData"], into: &pieces) }
        take(words: frame, into: &pieces)
        if let response = frame.present("modelResponse") { take(whole: response, into: &pieces) }
        if !isOver, let error = frame.present("error") { take(error: GrokStreamError(error), into: &pieces) }
    }

    private mutating func take(words frame: JSONValue, into pieces: inout AnswerPieces) {
        let tag = frame["messageTag"]?.string ?? ""
        let text = frame["token"]?.string ?? ""
        switch tag {
        case "tool_usage_card":
            if let line = steps.use(frame) { tell(line, into: &pieces) }
        case "raw_function_result":
            if let line = steps.result(frame) { tell(line, into: &pieces) }
        case _ where text.isEmpty:
            if let line = steps.result(frame) { tell(line, into: &pieces) }
        case _ where isThought(frame, tag): pieces.reasoning(thoughts.think(frame, text))
        default: say(text, into: &pieces)
        }
    }

    private func isThought(_ frame: JSONValue, _ tag: String) -> Bool {
        if let isThinking = frame["isThinking"]?.bool { return isThinking }
        return ["header", "summary", "thinking", "analysis"].contains(tag)
    }

    private mutating func say(_ text: String, into pieces: inout AnswerPieces) {
        said.add(text)
        show(markup.take(text, &cards), into: &pieces)
    }

    private mutating func show(_ text: String, into pieces: inout AnswerPieces) {
        if text.contains(where: { !$0.isWhitespace }) { hasContent = true }
        pieces.text(text)
    }

    private mutating func tell(_ line: String, into pieces: inout AnswerPieces) {
        if showsSteps { pieces.reasoning(thoughts.line(line)) }
    }

    private mutating func take(picture news: JSONValue, into pieces: inout AnswerPieces) {
        guard let (index, percentage) = pictures.take(news) else { return }
        if let line = steps.picture(index, percentage) { tell(line, into: &pieces) }
    }

    private mutating func take(card json: JSONValue?, into pieces: inout AnswerPieces) {
        if let news = cards.take(json) { take(picture: news, into: &pieces) }
    }

    // MARK: The whole answer

    /// What was said, once more and complete: only what is missing of it is said.
    private mutating func take(whole response: JSONValue, into pieces: inout AnswerPieces) {
        if let id = GrokPlace.id(response["responseId"]) { know(response: id, into: &pieces) }
        for card in Self.list(response["cardAttachmentsJson"]) { take(card: card, into: &pieces) }
        for url in Self.list(response["generatedImageUrls"]) { pictures.add(url.string) }
        if let message = response["message"]?.string { say(said.rest(of: message), into: &pieces) }
        isComplete = response["partial"]?.bool != true
        for value in Self.list(response["streamErrors"]) where !isOver {
            take(error: GrokStreamError(value), into: &pieces)
        }
        if !isOver, let error = response.present("error"), !error.isEmptyString {
            take(error: GrokStreamError(error), into: &pieces)
        }
    }

    private static func list(_ value: JSONValue?) -> [JSONValue] { value.map { Array($0.elements) } ?? [] }

    private mutating func take(error: GrokStreamError, into pieces: inout AnswerPieces) {
        if error.isBeside { aside = error.error } else { fail(error.error, into: &pieces) }
    }

    /// Shows what was held back; how many pictures there are.
    @discardableResult private mutating func flush(into pieces: inout AnswerPieces) -> Int {
        show(markup.finish(), into: &pieces)
        let files = pictures.takeFinished()
        for file in files {
            pieces.pieces.append(.file(file))
            hasContent = true
        }
        return files.count
    }

    // MARK: Where the conversation stands

    private mutating func know(conversation id: String, into pieces: inout AnswerPieces) {
        guard place.conversation != id else { return }
        place.conversation = id
        note(into: &pieces)
    }

    private mutating func know(response id: String, into pieces: inout AnswerPieces) {
        guard place.response != id else { return }
        place.response = id
        note(into: &pieces)
    }

    private func note(into pieces: inout AnswerPieces) {
        if !place.conversation.isEmpty, !place.response.isEmpty { pieces.state = place.state }
    }
}

extension GatewayError {
    fileprivate static var emptyAnswer: GatewayError {
        var error = GatewayError(
            .upstreamInvalid,
            "The upstream's answer is empty.",
            source: .upstream,
            retry: .elsewhere,
            cause: "no text and no picture"
        )
        error.failureClass = .failing
        return error
    }
}
