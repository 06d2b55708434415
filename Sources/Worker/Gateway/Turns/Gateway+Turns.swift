import Core
import Crypto
import EventLoop
import HTTPServer
import JSON
import OpenAIAPI
import Providers
import State
import Tokenizer
import Upstream

/// Turns of web applications: which conversation a request goes on with, what is done before its answer, and what is
/// written down after it.
extension Gateway {
    /// Finds out what the request goes on with. Once for each request, whatever its attempts.
    func plan(
        _ request: ModelRequest,
        _ provider: any WebProvider,
        _ context: RequestContext
    ) async throws(GatewayError) {
        let chat = try ChatRequest(request)
        let transcript = Transcript(chat)
        let named = request.document.root.present("conversation_id")
        let id = named?.string
        if named != nil, id == nil || id?.utf8.count ?? 0 > 200 {
            throw .invalid("conversation_id", "'conversation_id' must be a string.")
        }
        guard provider.traits.remembers else {
            context.plan = TurnPlan(
                conversation: "",
                opened: nil,
                transcript: transcript,
                secret: try Self.secret(),
                ownKey: context.ownKey
            )
            return
        }
        var opened: OpenConversation?
        if id != nil || transcript.before != nil {
            guard let conversations else { throw .noState }
            opened = try await conversations.open(id: id, transcript: transcript.before, owner: context.owner)
        }
        // A name that is not known, or not of this provider: only what the client has sent itself can be gone on with.
        let isHere = opened?.conversation.provider == provider.name
        if id != nil, !isHere, transcript.before == nil {
            release(opened, context)
            throw .conversationUnavailable(opened == nil ? "it is not known, or no longer" : "it is another provider's")
        }
        if !isHere {
            release(opened, context)
            opened = nil
        }
        // Whoever has left meanwhile will not go on with it.
        if context.exchange.isClientGone { release(opened, context) }
        context.plan = TurnPlan(
            conversation: try Self.name(opened),
            opened: opened,
            transcript: transcript,
            secret: try Self.secret(),
            ownKey: context.ownKey
        )
    }

    /// The conversation's own name, or a new one where it begins or branches.
    private static func name(_ opened: OpenConversation?) throws(GatewayError) -> String {
        guard let opened, !opened.isBranch else { return try ConversationStore.newID() }
        return opened.conversation.id
    }

    private static func secret() throws(GatewayError) -> [UInt8] {
        do throws(CryptoError) {
            return try SecureRandom.bytes(32)
        } catch {
            throw GatewayError(.internalError, "No random bytes can be had.")
        }
    }

    private func release(_ opened: OpenConversation?, _ context: RequestContext) {
        if let opened { conversations?.release(opened, owner: context.owner) }
    }

    /// Does with an account what must be done before the answer.
    func open(
        _ provider: any WebProvider,
        _ request: ModelRequest,
        _ attempt: Attempt,
        _ context: RequestContext
    ) async throws(GatewayError) -> (OpenedTurn, Turn) {
        guard let plan = context.plan else { throw GatewayError(.internalError, "The turn has no plan.") }
        context.candidate = attempt.candidate
        context.account = plan.ownKey.map { TurnDesk.name(ofOwn: $0) } ?? attempt.lease?.account.id ?? ""
        context.upstreamCalls += 1
        context.upstreamAskedAt = LoopClock.now
        context.upstreamAnsweredAt = nil
        context.connectMicroseconds = nil
        plan.opening = nil
        let past = plan.opened.flatMap { $0.conversation.provider == provider.name ? $0 : nil }
        let first = past == nil ? 0 : plan.transcript.firstNew
        var needs = Needs()
        needs.addresses = WebPrompt.addresses(of: request, from: first, provider.traits)
        needs = gatherer.missing(needs, in: context.materials)
        if !needs.isEmpty { try await gather(needs, context) }
        let encoding = TokenEncoding(forModel: attempt.candidate.model)
        let prompt = try WebPrompt(
            request,
            context.materials,
            provider.traits,
            filesFrom: first,
            provider: provider.name,
            emulatesTools: configuration.emulatesTools,
            dropsUnsupported: configuration.dropsUnsupported,
            count: { encoding.count(Array($0.utf8)) }
        )
        plan.ignored = prompt.ignored
        let digest = SHA256Digest(of: prompt.instructions).hex
        let turn = Turn(
            request: request,
            model: catalog.target(of: attempt.candidate.model, at: provider) ?? attempt.candidate.model,
            key: plan.ownKey ?? attempt.credential,
            account: context.account,
            isOwnKey: plan.ownKey != nil,
            conversation: plan.conversation,
            messages: prompt.messages,
            instructions: prompt.instructions,
            form: prompt.form,
            past: past.map {
                Turn.Past(
                    state: $0.conversation.state,
                    account: $0.conversation.account,
                    isBranch: $0.isBranch,
                    hasNewInstructions: $0.conversation.instructions != digest
                )
            },
            secret: plan.secret,
            filesURL: filesURL(context),
            now: WallClock.seconds(),
            thinking: try ThinkingStyle.wanted(by: request, usually: provider.traits.thinking),
            workspace: context.workspace
        )
        plan.desk?.close()
        let desk = makeDesk(provider, account: turn.account, key: turn.key, for: context)
        plan.desk = desk
        plan.turn = turn
        let opened = try await provider.open(turn, at: desk)
        plan.opening = opened
        return (opened, turn)
    }

    /// Does with the same account what may be done after its call has failed; nothing where the failure stands, or the
    /// provider's own try at it failed. The provider may know more of the same failure.
    func reopen(
        _ provider: any WebProvider,
        after error: inout GatewayError,
        _ context: RequestContext
    ) async -> (OpenedTurn, Turn)? {
        guard let plan = context.plan, let desk = plan.desk, let turn = plan.turn, let opened = plan.opening else {
            return nil
        }
        let again: OpenedTurn
        do throws(GatewayError) {
            guard let found = try await provider.reopen(turn, opened, after: error, at: desk) else { return nil }
            again = found
        } catch let known {
            if known.code == error.code { error = known }
            return nil
        }
        guard plan.desk === desk else { return nil }
        plan.opening = again
        context.upstreamCalls += 1
        return (again, turn)
    }

    /// The failure with what its provider can find out about it, for the client and for the account, which has been told of
    /// it: nobody must use an account while it is asked for how long it may not be used.
    func learned(
        _ error: GatewayError,
        _ attempt: Attempt,
        _ request: ModelRequest?,
        _ context: RequestContext
    ) async -> GatewayError {
        guard error.failureClass == .rateLimited, error.retryAfter == nil,
            let provider = attempt.candidate.provider.web,
            let plan = context.plan, let turn = plan.turn, let desk = plan.desk,
            let seconds = await provider.rest(turn, at: desk)
        else { return error }
        var error = error
        error.retryAfter = seconds
        if configuration.coolsDown { attempt.amended(error, context.id, body: request?.document.source) }
        return error
    }

    func makeDesk(
        _ provider: any Provider,
        account: String,
        key: String,
        for context: RequestContext
    ) -> TurnDesk {
        let timeouts = configuration.timeouts
        return TurnDesk(
            provider: provider.name,
            account: account,
            key: key,
            until: context.receivedAt.advanced(by: context.streams ? timeouts.stream : timeouts.request),
            TurnDesk.Services(upstream: services.upstream, nonces: nonces, facts: facts, pool: pools[provider.name])
        )
    }

    /// The turn's answer is complete: counts what it used and writes down how far the conversation has come. An answer whose
    /// conversation cannot be written down is an error, since the client could not go on with what it has heard.
    func conclude(_ end: TurnEnd, _ context: RequestContext) async throws(GatewayError) -> TokenUsage {
        guard let plan = context.plan, let turn = plan.turn else { return TokenUsage() }
        let usage = await TokenCount.usage(of: turn, end)
        plan.end = end
        guard let conversations, !plan.conversation.isEmpty, let state = end.state else { return usage }
        // What the pool does not know cannot be gone on with by anybody else, nor need be.
        let account = turn.account
        let conversation = Conversation(
            id: plan.conversation,
            provider: context.candidate?.provider.name ?? "",
            account: account,
            state: state,
            instructions: SHA256Digest(of: turn.instructions).hex,
            turns: (plan.opened?.conversation.turns ?? 0) + 1
        )
        _ = try await conversations.save(
            conversation,
            transcript: plan.transcript.after(answer: end.text),
            after: plan.opened,
            owner: context.owner
        )
        if plan.opened?.conversation.id == conversation.id { plan.isReleased = true }
        return usage
    }

    /// What a stream used that does not say so itself. Its prompt is estimated where the request has been let go.
    func count(_ end: TurnEnd, _ request: ModelRequest?, _ context: RequestContext) async -> TokenUsage {
        let said = await TokenCount.completion(end, model: context.candidate?.model ?? "")
        if let request { return TokenUsage(prompt: await TokenCount.prompt(of: request), completion: said) }
        return TokenUsage(prompt: context.estimate?.prompt ?? 0, completion: said)
    }

    /// Files of an answer can be had under their names from now on.
    func keep(_ named: [NamedFile], _ context: RequestContext) {
        guard let files, let candidate = context.candidate, context.plan?.ownKey == nil else { return }
        for item in named {
            let entry = FileLedger.Entry(
                provider: candidate.provider.name,
                account: context.account,
                url: item.file.url
            )
            files.note(entry, name: item.name)
        }
    }

    /// The request is over, well or badly: what it held is free, and the provider tidies up.
    func leave(_ context: RequestContext) {
        guard let plan = context.plan.take() else { return }
        if !plan.isReleased { release(plan.opened, context) }
        guard let turn = plan.turn, let provider = context.candidate?.provider.web else {
            plan.desk?.close()
            return
        }
        plan.desk?.close()
        let desk = lastingDesk(provider, account: turn.account, key: turn.key)
        // Ends with the last of its calls, all of which have deadlines.
        Task.immediate { @LoopActor in await provider.conclude(turn, plan.end, at: desk) }
    }

    /// For what is done beside the request, or after it.
    func lastingDesk(_ provider: any WebProvider, account: String, key: String) -> TurnDesk {
        TurnDesk(
            provider: provider.name,
            account: account,
            key: key,
            until: LoopClock.now.advanced(by: .seconds(60)),
            TurnDesk.Services(upstream: services.upstream, nonces: nonces, facts: facts, pool: pools[provider.name])
        )
    }

    private func filesURL(_ context: RequestContext) -> String {
        if let url = configuration.publicURL { return url + "/images/" }
        return context.host.isEmpty ? "/images/" : "\(context.scheme)://\(context.host)/images/"
    }
}
