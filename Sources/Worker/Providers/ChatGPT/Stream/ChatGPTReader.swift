internal import Core
internal import Crypto
internal import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// Reads the answer to a turn, in either encoding, over as many calls as it takes: the stream itself, what is left of it
/// after it broke off, what comes after it was too long, and pictures that are made later.
struct ChatGPTReader: AnswerReader {
    private enum Source: Sendable { case stream, conversation([UInt8]) }

    private static let longestEvent = 8 << 20
    private static let largestConversation = 32 << 20
    private static let mostResumes = 12
    private static let mostPolls = 120

    let course: ChatGPTCourse
    private var events = ChatGPTReader.makeEvents()
    private var document = DeltaDocument()
    private var machine: AnswerMachine
    private var files: ChatGPTFiles
    private var source = Source.stream
    /// Events of the turn so far, as the site counts them.
    private var offset = 0
    private var resumeToken: String?
    private var canResume = false
    private var resumes = 0
    private var polls = 0
    private var continuations = 0
    private var isBlocked = false
    private var followUps = 0
    /// What was sent, and comes back.
    private var ownMessages: Set<String>
    private var isOver = false
    /// The next bytes are those of another call.
    private var isWaiting = false

    init(_ course: ChatGPTCourse) {
        self.course = course
        machine = AnswerMachine(showsTools: course.showsTools, keepsHistory: course.keepsHistory)
        ownMessages = course.sent
        files = ChatGPTFiles(base: course.site.base, conversation: course.conversation)
    }

    private static func makeEvents() -> SSEReader { SSEReader(maximumEventBytes: longestEvent, takesBareJSON: true) }

    mutating func receive(_ bytes: UnsafeRawBufferPointer, into pieces: inout AnswerPieces) {
        isWaiting = false
        guard !isOver else { return }
        if case .conversation(var body) = source {
            source = .stream
            if body.count + bytes.count <= Self.largestConversation { unsafe body.append(contentsOf: bytes) }
            source = .conversation(body)
            return
        }
        unsafe events.receive(bytes)
        do {
            while !isOver, !isWaiting, let frame = try events.next() { take(frame, &pieces) }
        } catch {
            fail(.eventTooLarge, &pieces)
        }
        if !isWaiting { events.compact() }
        tellState(&pieces)
    }

    mutating func finish(into pieces: inout AnswerPieces) {
        guard !isOver, !isWaiting else { return }
        if case .conversation(let body) = source {
            look(into: body, &pieces)
            tellState(&pieces)
            return
        }
        while !isOver, !isWaiting, let frame = events.finish() { take(frame, &pieces) }
        guard !isOver, !isWaiting else { return }
        cut(&pieces)
        tellState(&pieces)
    }

    /// The site keeps the answer for whoever has lost it; what it has refused outright it has not begun.
    mutating func takeUp(after error: GatewayError, into pieces: inout AnswerPieces) -> Bool {
        guard !isOver else { return false }
        if case .conversation = source {
            guard polls < Self.mostPolls, Self.isPassing(error) else { return false }
            poll(&pieces)
            return true
        }
        if machine.isAnswered, !isWaiting {
            complete(&pieces)
            return true
        }
        guard course.isPresent, offset > 0, files.conversation != nil, resumes < Self.mostResumes, Self.isPassing(error)
        else { return false }
        resume(&pieces)
        tellState(&pieces)
        return true
    }

    private static func isPassing(_ error: GatewayError) -> Bool {
        switch error.code {
        case .upstreamCut, .upstreamUnreachable, .upstreamTimeout, .upstreamOverloaded, .upstreamError, .conflict,
            .rateLimitExceeded:
            true
        default: false
        }
    }

    mutating func followUp(_ text: String) -> OutgoingRequest? {
        guard course.keepsHistory, let conversation = files.conversation, let parent = machine.lastMessage else {
            return nil
        }
        followUps += 1
        let id = UUIDText.make(Array(SHA256Digest(of: "\(course.request) \(followUps)").bytes.prefix(16)))
        ownMessages.insert(id)
        machine = AnswerMachine(showsTools: course.showsTools, keepsHistory: true)
        (isOver, isBlocked, offset) = (false, false, 0)
        (isWaiting, events) = (true, Self.makeEvents())
        return course.followUp(text, id, conversation, parent)
    }

    // MARK: Events

    private mutating func take(_ frame: SSEFrame, _ pieces: inout AnswerPieces) {
        let payload = events.payload(of: frame)
        guard payload.contains(where: { $0 > UInt8(ascii: " ") }) else { return }
        pieces.count += 1
        if payload.elementsEqual("[DONE]".utf8) { return complete(&pieces) }
        offset += 1
        for value in JSONRun.values(payload) where !isOver && !isWaiting { take(value, &pieces) }
    }

    private mutating func take(_ value: JSONValue, _ pieces: inout AnswerPieces) {
        guard value.isObject else { return }
        if let id = value["conversation_id"]?.string, !id.isEmpty { files.conversation = id }
        if let kind = value["type"]?.string { return control(kind, value, &pieces) }
        if value["v"] != nil || value["o"] != nil {
            document.apply(value)
            if document.isTooLarge { return fail(.messageTooLarge, &pieces) }
            if let id = document.root["conversation_id"]?.string, !id.isEmpty { files.conversation = id }
            if let error = document.root["error"], document.root["message"] == nil {
                return refuse(error.string ?? error["message"]?.string, error["code"]?.string, &pieces)
            }
            // Taken and let go here, before the next change.
            if let tree = document.root["message"], let message = ChatGPTMessage(tree) { hear(message, &pieces) }
            return
        }
        if let told = value.present("error") ?? value.present("detail") {
            return refuse(told.string ?? told["message"]?.string, told["code"]?.string, &pieces)
        }
        if let sent = value.present("message"), sent.isObject {
            guard sent.raw.count <= Self.longestEvent else { return }
            if let message = ChatGPTMessage(JSONTree(sent)) { hear(message, &pieces) }
        }
    }

    private mutating func hear(_ message: ChatGPTMessage, _ pieces: inout AnswerPieces) {
        if !ownMessages.contains(message.id) { machine.receive(message, files, into: &pieces) }
    }

    private mutating func control(_ kind: String, _ value: JSONValue, _ pieces: inout AnswerPieces) {
        switch kind {
        case "resume_conversation_token":
            if let token = value["token"]?.string, token.utf8.count <= 16_384 { resumeToken = token }
        case "stream_handoff":
            canResume =
                value["options"]?.elements.contains { $0["type"]?.equals("resume_sse_endpoint") ?? false } ?? false
        case "moderation":
            if value["moderation_response"]?["blocked"]?.bool == true { isBlocked = true }
        case "message_stream_complete": complete(&pieces)
        case "error":
            let told = value.present("error")
            refuse(told?.string ?? told?["message"]?.string, told?["code"]?.string, &pieces)
        default: break
        }
    }

    // MARK: Ends

    /// The site says that there is nothing more.
    private mutating func complete(_ pieces: inout AnswerPieces) {
        if isBlocked { return end(.contentFilter, &pieces) }
        if machine.awaitsImage, course.keepsHistory, files.conversation != nil { return poll(&pieces) }
        if !machine.isAnswered, canResume, resumes < Self.mostResumes { return resume(&pieces) }
        guard machine.hasSpoken else { return fail(.nothingSaid, &pieces) }
        guard machine.finish == "max_tokens" else { return end(.stop, &pieces) }
        guard course.keepsHistory, continuations < course.mostContinuations, let conversation = files.conversation,
            let parent = machine.lastMessage
        else { return end(.length, &pieces) }
        continuations += 1
        machine.goOn()
        offset = 0
        goOn(with: course.continuation(conversation, parent), &pieces)
    }

    /// The body has ended, and nobody has said that the answer has.
    private mutating func cut(_ pieces: inout AnswerPieces) {
        if machine.isAnswered || isBlocked { return complete(&pieces) }
        if course.isPresent, offset > 0, files.conversation != nil, resumes < Self.mostResumes {
            return resume(&pieces)
        }
        fail(machine.hasSpoken || machine.hasThought ? .cutOff : .nothingSaid, &pieces)
    }

    private mutating func resume(_ pieces: inout AnswerPieces) {
        guard let conversation = files.conversation else { return fail(.nothingSaid, &pieces) }
        resumes += 1
        canResume = false
        goOn(with: course.resumption(conversation, resumeToken, offset), &pieces)
    }

    private mutating func poll(_ pieces: inout AnswerPieces) {
        guard let conversation = files.conversation, polls < Self.mostPolls else {
            return machine.hasSpoken ? end(.stop, &pieces) : fail(.nothingSaid, &pieces)
        }
        polls += 1
        source = .conversation([])
        goOn(with: course.look(conversation), &pieces)
    }

    private mutating func goOn(with request: OutgoingRequest, _ pieces: inout AnswerPieces) {
        isWaiting = true
        events = Self.makeEvents()
        pieces.pieces.append(.more(request))
    }

    private mutating func end(_ reason: FinishReason, _ pieces: inout AnswerPieces) {
        machine.close(into: &pieces)
        isOver = true
        pieces.pieces.append(.end(reason))
    }

    private mutating func fail(_ error: GatewayError, _ pieces: inout AnswerPieces) {
        machine.close(into: &pieces)
        isOver = true
        pieces.pieces.append(.failed(error))
    }

    private mutating func refuse(_ text: String?, _ code: String?, _ pieces: inout AnswerPieces) {
        fail(ChatGPTFailure.make(told: text ?? "", code: code), &pieces)
    }

    // MARK: Later

    /// The conversation as a whole, in which a picture may have come meanwhile.
    private mutating func look(into body: [UInt8], _ pieces: inout AnswerPieces) {
        pieces.count += 1
        if let nodes = (try? JSONDocument(parsing: body))?.root["mapping"] {
            for (_, node) in nodes.members {
                guard let sent = node.present("message"),
                    sent["metadata"]?["async_task_type"]?.equals("image_gen") == true,
                    let message = ChatGPTMessage(JSONTree(sent)), message.contentType == "multimodal_text"
                else { continue }
                machine.receive(message, files, into: &pieces)
            }
        }
        if machine.awaitsImage { return poll(&pieces) }
        end(.stop, &pieces)
    }

    private func tellState(_ pieces: inout AnswerPieces) {
        guard course.keepsHistory, let conversation = files.conversation, let parent = machine.lastMessage else {
            return
        }
        pieces.state = ChatGPTState(conversation: conversation, parent: parent, isDeleted: course.deletes).bytes
    }
}

extension GatewayError {
    private static func answer(_ code: Code, _ message: String) -> GatewayError {
        var error = GatewayError(code, message, source: .upstream, retry: .elsewhere)
        error.failureClass = .failing
        return error
    }

    fileprivate static var eventTooLarge: GatewayError {
        answer(.upstreamInvalid, "The upstream's answer has an event that is too large.")
    }

    fileprivate static var messageTooLarge: GatewayError {
        answer(.upstreamInvalid, "The upstream's answer is too large.")
    }

    fileprivate static var nothingSaid: GatewayError { answer(.upstreamInvalid, "The upstream's answer is empty.") }

    fileprivate static var cutOff: GatewayError {
        answer(.upstreamCut, "The upstream's answer ended before its end.")
    }
}
