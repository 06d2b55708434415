internal import Core
internal import HTTPCodec
internal import JSON

/// What comes before a turn's answer: signing on, what the site wants to be shown, the files, the announcement.
struct ChatGPTOpening: Sendable {
    let settings: ChatGPTSettings
    let turn: Turn
    let desk: any Desk

    /// `refused` is an access token that the site no longer takes; `isLost` says that it no longer has the conversation.
    func open(refused: String? = nil, isLost: Bool = false) async throws(GatewayError) -> OpenedTurn {
        let ask = try ChatGPTAsk(turn, settings)
        let (state, passage) = isLost ? (nil, .replayed) : try whereFrom(ask)
        let visit = ChatGPTVisit(settings, desk, workspace: ask.workspace, otherwise: ask.bodyWorkspace)
        let (site, generation, shown) = try await visit.enter(base: pickBase(), refused: refused)
        let body = ChatGPTTurnBody(settings: settings, ask: ask, isPresent: generation == .present)
        let messages = try await messages(state, passage, site)
        let request = try UUIDText.random(at: desk)
        let course = ChatGPTCourse(
            site: site,
            body: body,
            conversation: state?.conversation,
            request: request,
            now: turn.now,
            sent: Set(messages.map(\.id)),
            isRenewed: refused != nil
        )
        let root = generation == .present ? ChatGPTTurnBody.rootMessage : try UUIDText.random(at: desk)
        let parent = state?.parent ?? root
        var headers = shown
        if generation == .present {
            headers.append(HTTPHeader("X-OAI-Turn-Trace-Id", request))
            headers.append(try await announce(course, parent))
        }
        let call = site.stream(
            generation == .present ? ChatGPTCourse.presentTurnPath : ChatGPTCourse.turnPath,
            conversation: state?.conversation,
            headers,
            body.next(messages, conversation: state?.conversation, parent: parent, request: request, now: turn.now)
        )
        return OpenedTurn(call, reader: ChatGPTReader(course), passage: passage, servedModel: ask.model.slug)
    }

    /// After the turn's own call was refused, which the site then has not taken: with a new access where the old one was the
    /// reason, and telling everything again where the conversation is no more.
    func reopen(_ opened: OpenedTurn, after error: GatewayError) async throws(GatewayError) -> OpenedTurn? {
        guard let course = (opened.reader as? ChatGPTReader)?.course else { return nil }
        if error.code == .conversationUnavailable, opened.passage == .continued, turn.hasHistory {
            return try await open(isLost: true)
        }
        guard error.failureClass == .credentialsRefused, !course.isRenewed, ChatGPTCredential(desk.key).isRenewable
        else {
            return nil
        }
        return try await open(refused: course.site.access, isLost: opened.passage == .replayed && turn.past != nil)
    }

    /// One of the addresses, at random.
    private func pickBase() throws(GatewayError) -> String {
        guard settings.bases.count > 1, let number = try desk.random(1).first else { return settings.bases[0] }
        return settings.bases[Int(number) % settings.bases.count]
    }

    /// What the turn goes on from, if the account has it; the site has no way to hand a conversation over.
    private func whereFrom(_ ask: ChatGPTAsk) throws(GatewayError) -> (ChatGPTState?, OpenedTurn.Passage) {
        guard let past = turn.past else { return (nil, turn.hasHistory ? .replayed : .new) }
        if turn.isAtHome, !ask.isTemporary, let state = ChatGPTState(past.state), !state.isDeleted {
            return (state, .continued)
        }
        guard turn.hasHistory else {
            throw .conversationUnavailable(
                turn.isAtHome ? "nothing was kept of it" : "the account that has it cannot be used now"
            )
        }
        return (nil, .replayed)
    }

    private func messages(
        _ state: ChatGPTState?,
        _ passage: OpenedTurn.Passage,
        _ site: ChatGPTSite
    ) async throws(GatewayError) -> [ChatGPTTurnBody.Message] {
        var said = passage == .continued ? Array(turn.news) : turn.messages
        let isToldAgain = passage != .continued || turn.past?.hasNewInstructions == true
        if !turn.instructions.isEmpty, isToldAgain {
            if settings.systemAsUser, let first = said.firstIndex(where: { $0.role == .user }) {
                said[first].text = turn.instructions + "\n\n" + said[first].text
            } else {
                said.insert(WebMessage(role: .system, text: turn.instructions), at: 0)
            }
        }
        var messages: [ChatGPTTurnBody.Message] = []
        for message in said {
            messages.append(
                ChatGPTTurnBody.Message(
                    id: try UUIDText.random(at: desk),
                    role: message.role,
                    text: message.text,
                    files: try await ChatGPTUpload(site: site).send(message.files, at: desk)
                )
            )
        }
        return messages
    }

    /// The token that leads to whoever will answer; there may be none.
    private func announce(_ course: ChatGPTCourse, _ parent: String) async throws(GatewayError) -> HTTPHeader {
        let body = course.body.prepare(conversation: course.conversation, parent: parent)
        let answer = try await desk.ask(course.site.post("/f/conversation/prepare", body))
        guard answer.isSuccess else { throw ChatGPTFailure.make(answer.failed(at: desk.now)) }
        let token = (try? JSONDocument(parsing: answer.body))?.root["conduit_token"]?.string ?? ""
        return HTTPHeader("X-Conduit-Token", token.isEmpty ? "no-token" : token)
    }
}

/// Gets into the site: signed on, and with what it wants to be shown.
struct ChatGPTVisit: Sendable {
    /// How long it is remembered that an account's site has only the earlier way.
    private static let memory = 3600

    private let settings: ChatGPTSettings
    private let desk: any Desk
    private let workspace: String?

    /// `workspace` goes before the one that the credential names, and that before `fallback`.
    init(_ settings: ChatGPTSettings, _ desk: any Desk, workspace: String?, otherwise fallback: String? = nil) {
        self.settings = settings
        self.desk = desk
        self.workspace = workspace ?? ChatGPTCredential(desk.key).workspace ?? fallback
    }

    /// An access token that is refused is renewed once, where that can be.
    func enter(
        base: String,
        refused: String? = nil
    ) async throws(GatewayError) -> (ChatGPTSite, ChatGPTSettings.Generation, [HTTPHeader]) {
        let session = try await ChatGPTSignOn(settings).session(at: desk, refused: refused)
        let site = site(base, session)
        do throws(GatewayError) {
            let (generation, headers) = try await show(site)
            return (site, generation, headers)
        } catch {
            guard error.failureClass == .credentialsRefused, ChatGPTCredential(desk.key).isRenewable else {
                throw error
            }
        }
        let renewed = try await ChatGPTSignOn(settings).session(at: desk, refused: session.access)
        let again = self.site(base, renewed)
        let (generation, headers) = try await show(again)
        return (again, generation, headers)
    }

    func site(_ base: String, _ session: ChatGPTSession) -> ChatGPTSite {
        ChatGPTSite(settings, base: base, session, workspace: workspace, account: desk.account)
    }

    private func show(
        _ site: ChatGPTSite
    ) async throws(GatewayError) -> (ChatGPTSettings.Generation, [HTTPHeader]) {
        let requirements = ChatGPTRequirements(settings: settings, site: site)
        if let generation = settings.generation {
            return (generation, settings.skipsRequirements ? [] : try await requirements.headers(generation, at: desk))
        }
        if settings.skipsRequirements { return (.present, []) }
        if try await desk.recall("generation") == Array("legacy".utf8) {
            return (.legacy, try await requirements.headers(.legacy, at: desk))
        }
        do throws(GatewayError) {
            return (.present, try await requirements.headers(.present, at: desk))
        } catch {
            // Nothing has been said yet, and the site does not know this way.
            guard error.code == .modelNotFound || error.code == .invalidRequest else { throw error }
        }
        let headers = try await requirements.headers(.legacy, at: desk)
        try await desk.remember("generation", Array("legacy".utf8), for: Self.memory)
        return (.legacy, headers)
    }
}
