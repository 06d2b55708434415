internal import Core
internal import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// Makes a turn ready: finds out how the conversation goes on, brings its files along, and words the message.
struct GrokOpening {
    let configuration: GrokConfiguration
    let turn: Turn
    let desk: any Desk
    let session: GrokSession

    init(_ configuration: GrokConfiguration, _ turn: Turn, _ desk: any Desk) throws(GatewayError) {
        self.configuration = configuration
        self.turn = turn
        self.desk = desk
        session = try GrokSession(configuration, desk, key: turn.key, isVerbatim: turn.isOwnKey)
    }

    func open() async throws(GatewayError) -> OpenedTurn {
        guard let past = turn.past else { return try await begin(with: turn.messages, .new) }
        guard let place = GrokPlace(past.state) else { return try await tellAnew("it is not known where it stands") }
        if turn.isAtHome { return try await goOn(from: place, .continued) }
        guard let key = await desk.key(of: past.account), let owner = try? GrokSession(configuration, desk, key: key)
        else { return try await tellAnew("the account that has it is gone") }
        let move = GrokMove(owner: owner, other: session, mayRead: !turn.hasHistory)
        switch try await move.move(place) {
        case .moved(let place): return try await goOn(from: place, .cloned)
        case .read(let messages): return try await begin(with: fitting(messages) + turn.news, .replayed)
        case .failed: return try await tellAnew("the account that has it cannot serve it now")
        }
    }

    /// After the message's own call has failed: tells a conversation anew that is no more.
    func reopen(_ opened: OpenedTurn, after error: GatewayError) async throws(GatewayError) -> OpenedTurn? {
        guard error.code == .conversationUnavailable, opened.passage != .replayed, turn.hasHistory else { return nil }
        return try await begin(with: turn.messages, .replayed)
    }

    /// Tells the application what the client has sent, if that is all there was.
    private func tellAnew(_ reason: String) async throws(GatewayError) -> OpenedTurn {
        guard turn.hasHistory else { throw .conversationUnavailable(reason) }
        return try await begin(with: turn.messages, .replayed)
    }

    private func begin(
        with messages: [WebMessage],
        _ passage: OpenedTurn.Passage
    ) async throws(GatewayError) -> OpenedTurn {
        let files = try await GrokUploads(session: session).send(messages.flatMap(\.files))
        let body = body(GrokMessage.first(turn, messages), files)
        let request = try session.request(.post, "\(GrokAddress.chat)/conversations/new", body.bytes())
        return try opened(request, conversation: nil, passage)
    }

    private func goOn(
        from place: GrokPlace,
        _ passage: OpenedTurn.Passage
    ) async throws(GatewayError) -> OpenedTurn {
        let files = try await GrokUploads(session: session).send(turn.news.flatMap(\.files))
        var body = body(GrokMessage.next(turn), files)
        body.parent = place.response
        body.isBranch = turn.past?.isBranch == true
        let conversation = GrokAddress.segment(place.conversation)
        let request = try session.request(
            .post,
            "\(GrokAddress.chat)/conversations/\(conversation)/responses",
            body.bytes(),
            from: "/c/\(conversation)"
        )
        return try opened(request, conversation: place.conversation, passage)
    }

    private func body(_ message: String, _ files: [String]) -> GrokBody {
        GrokBody(
            configuration: configuration,
            model: model,
            message: message,
            files: files
        )
    }

    private func opened(
        _ request: OutgoingRequest,
        conversation: String?,
        _ passage: OpenedTurn.Passage
    ) throws(GatewayError) -> OpenedTurn {
        let further = GrokFollowUp(
            configuration,
            model,
            prepared: try session.request(.post, "")
        )
        return OpenedTurn(
            request,
            reader: GrokReader(configuration, conversation: conversation, further: further),
            passage: passage
        )
    }

    /// The model, in the mode that the request names itself, if it does.
    private var model: GrokModel {
        var model = configuration.models[turn.model]
        if let mode = turn.request.document.root.present("metadata")?["model_mode"]?.string,
            !mode.isEmpty, mode.utf8.count <= 100
        {
            model.mode = mode
        }
        return model
    }

    /// The newest of the messages that one message may hold.
    private func fitting(_ messages: [WebMessage]) -> [WebMessage] {
        var room =
            GrokProvider.longestPrompt - turn.messages.reduce(turn.instructions.utf8.count) { $0 + $1.text.utf8.count }
        let kept = messages.reversed().prefix { message in
            room -= message.text.utf8.count
            return room >= 0
        }
        return kept.reversed()
    }
}
