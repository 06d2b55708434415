import Core
import EventLoop
import HTTPCodec
import HTTPServer
import JSON
import Providers
import State
import Upstream

/// Somebody who shares an account, and what was learnt on the way.
@LoopActor
final class SeedVisit {
    let digest: String
    let key: KeyRecord?
    /// What is being written down, one thing after the other.
    var learning: Task<Void, Never>?
    var begun: String?

    init(digest: String, key: KeyRecord?) {
        self.digest = digest
        self.key = key
    }
}

/// Those who share an account see nothing of it but what is their own.
extension MirrorVisit {
    func serveSeed() async throws(GatewayError) {
        guard let seed, let seeds = mirror.seeds else { throw .noState }
        context.key = seed.key
        let verdict = SeedPolicy.verdict(path, head.method, mirror.options.reach)
        switch verdict {
        case .closed:
            throw .invalid(nil, "Access denied: the account is shared with others.", code: .permissionDenied)
        case .empty(.none): return respond(204, [])
        case .empty(let kind): return respond(200, SeedAnswers.empty(kind))
        case .person: return respond(200, SeedAnswers.person(seed.digest, now: WallClock.seconds()))
        default: break
        }
        let account = try await mirror.account(of: seed.digest, context)
        self.account = account
        if verdict == .list {
            let all = try await seeds.conversations(of: seed.digest).filter { $0.account == account.id }
            return respond(200, SeedAnswers.list(all, query: head.query.flatMap { MirrorQuery($0) }))
        }
        try await checkOwnership(verdict, seed.digest, account, seeds)
        switch verdict {
        case .accounts: try await answerAccounts()
        case .turn:
            try await beginTurn(seed, account, seeds)
            try await pass()
        case .conversation(let id, true): try await change(id, seed, seeds)
        case .title(let id):
            read = { head, body in
                guard (200..<300).contains(head.status),
                    let title = (try? JSONDocument(parsing: body))?.root["title"]?.string
                else { return }
                self.learn { _ = try? await seeds.note(id, of: seed.digest, SeedChange(title: title)) }
            }
            try await pass()
        default: try await pass()
        }
    }

    /// Every conversation that the request names, wherever it does so, must be the seed's own. One that is not does not exist.
    private func checkOwnership(
        _ verdict: SeedVerdict,
        _ seed: String,
        _ account: MirrorAccount,
        _ seeds: SeedStore
    ) async throws(GatewayError) {
        var ids = Set(
            try NamedConversations.find(
                query: path.query,
                body: body,
                contentType: path.words == ["transcribe"] ? head.first("content-type") : nil
            )
        )
        switch verdict {
        case .conversation(let id, _), .title(let id): ids.insert(id)
        default: break
        }
        for id in ids where !id.isEmpty {
            guard let found = try await seeds.conversation(id, of: seed), found.account == account.id else {
                throw .conversationNotFound
            }
        }
    }

    private func answerAccounts() async throws(GatewayError) {
        let (head, body) = try await fetch()
        guard (200..<300).contains(head.status), let told = SeedAnswers.accounts(body) else {
            throw GatewayError(.upstreamError, "The site does not tell about its account.", source: .upstream)
        }
        respond(200, told)
    }

    private func beginTurn(_ seed: SeedVisit, _ account: MirrorAccount, _ seeds: SeedStore) async throws(GatewayError) {
        guard let turn = TurnBody(body) else {
            throw .invalid(nil, "The body must be a JSON object.", code: .invalidJSON)
        }
        if let key = seed.key, !key.allows(model: "chatgpt/\(turn.model)") {
            throw .invalid("model", "This API key may not use this model.", code: .permissionDenied)
        }
        prepare(turn)
        let isTemporary = turn.isTemporary || mirror.options.forcesNoHistory
        found = { findings in self.learn(findings, SeedChange(account: account.id, isTemporary: isTemporary), seeds) }
        guard isTurn else { return }
        if let conversation { try await seeds.note(conversation, of: seed.digest, SeedChange()) }
        guard let pool = mirror.pool else { throw .noMirrorAccount }
        let candidate = Candidate(provider: mirror.provider, model: turn.model, weight: 1, pool: pool)
        try await reserve(seed)
        attempt = Attempt(candidate: candidate, lease: try await lease(account, turn.model, pool))
        context.candidate = candidate
    }

    /// The site takes one message of an account at a time, and others have theirs: whoever comes in between waits a little.
    private func lease(
        _ account: MirrorAccount,
        _ model: String,
        _ pool: AccountPool
    ) async throws(GatewayError) -> Lease {
        let until = LoopClock.now.advanced(by: Self.patience)
        while true {
            do throws(GatewayError) {
                let lease = try await pool.lease(of: account.id, model: model)
                if !context.exchange.isClientGone { return lease }
                pool.report(lease, .abandoned)
                throw GatewayError(.clientGone, "The client has left.", source: .client)
            } catch {
                guard error.code == .upstreamOverloaded, LoopClock.now < until, !context.exchange.isClientGone,
                    try await pool.standing(of: account.id) == .healthy
                else { throw error }
            }
            await LoopTimer.wait(.milliseconds(250))
        }
    }

    private static let patience = Duration.seconds(15)

    /// A turn counts as one request of the key, whatever is said in it: the site tells nothing of tokens.
    private func reserve(_ seed: SeedVisit) async throws(GatewayError) {
        guard let key = seed.key, !key.limits.isUnlimited, let limits = mirror.gateway.rateLimits else { return }
        let charge = Charge(digest: key.digest, tokens: 0, cost: 0, isStream: true)
        let result = await withCheckedContinuation { continuation in
            limits.reserve(charge, key.limits) { continuation.resume(returning: $0) }
        }
        switch result {
        case .success: context.charge = charge
        case .failure(let error):
            mirror.gateway.metrics.limited(error)
            throw error
        }
    }

    /// Only what the site has done is written down.
    private func change(_ id: String, _ seed: SeedVisit, _ seeds: SeedStore) async throws(GatewayError) {
        let edit = head.method == .delete ? SeedEdit.removal : head.method == .patch ? SeedEdit(body) : nil
        if let edit {
            read = { head, _ in
                guard (200..<300).contains(head.status) else { return }
                self.learn {
                    switch edit {
                    case .removal: try? await seeds.forget(id, of: seed.digest)
                    case .change(let change): _ = try? await seeds.note(id, of: seed.digest, change)
                    }
                }
            }
        }
        try await pass()
    }

    private func learn(_ findings: ConversationObserver.Findings, _ first: SeedChange, _ seeds: SeedStore) {
        guard let seed else { return }
        let digest = seed.digest
        if let id = findings.conversation, conversation == nil, seed.begun == nil {
            seed.begun = id
            let requestID = context.id
            let log = mirror.gateway.log
            learn {
                if let isOurs = try? await seeds.claim(id, for: digest, first), isOurs { return }
                log(.warning, "conversation not noted", LogField("request_id", requestID))
            }
        }
        guard let title = findings.title, let id = conversation ?? seed.begun else { return }
        learn { _ = try? await seeds.note(id, of: digest, SeedChange(title: title)) }
    }

    private func learn(_ write: @escaping @LoopActor () async -> Void) {
        guard let seed else { return }
        let before = seed.learning
        // Ends with the answers of Redis, which have deadlines.
        seed.learning = Task.immediate { @LoopActor in
            await before?.value
            await write()
        }
    }

    private func respond(_ status: Int, _ body: [UInt8]) {
        context.exchange.respond(status: status, body: body) { output in
            AnswerHeaders.append(context, contentType: "application/json", to: &output)
            output.appendHeaderLine("Cache-Control: no-store")
            if let sign = mirror.options.sign { output.appendHeader("X-Sign", sign) }
        }
        settle(.done)
    }
}

extension GatewayError {
    /// As the site itself says it.
    static var conversationNotFound: GatewayError {
        var error = GatewayError.invalid("conversation_id", "Can't load conversation.", code: .notFound)
        error.upstreamCode = "conversation_not_found"
        return error
    }
}
