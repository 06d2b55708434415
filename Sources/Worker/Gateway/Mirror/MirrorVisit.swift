import Core
import EventLoop
import HTTPCodec
import HTTPServer
import Providers
import State
import Upstream

/// One request to the site on its way there and back.
@LoopActor
final class MirrorVisit {
    let mirror: Mirror
    let context: RequestContext
    let head: RequestHead
    let path: MirrorPath
    var body: [UInt8]
    /// The conversation that a turn goes on with.
    var conversation: String?
    private var page: String?
    var account: MirrorAccount?
    /// The right to ask a model with a shared account, which the site gives to one at a time.
    var attempt: Attempt?
    /// Of those who share an account.
    var seed: SeedVisit?
    /// What else is to be done with the answer.
    var found: (@LoopActor (ConversationObserver.Findings) -> Void)?
    var read: (@LoopActor (UpstreamHead, [UInt8]) -> Void)?
    private let base: String
    private var shown: String?
    private var refused: String?
    private var relay: MirrorRelay?
    private var failure: GatewayError?

    init(_ mirror: Mirror, _ request: ServerRequest, _ path: MirrorPath, _ context: RequestContext) {
        self.mirror = mirror
        self.context = context
        self.path = path
        head = request.head
        body = request.body
        base = mirror.site.bases.randomElement() ?? MirrorSite.publicOrigin
    }

    func begin(_ token: MirrorToken) {
        // Ends with the answers of Redis and of the log-in, which have deadlines.
        Task.immediate { @LoopActor in
            do throws(GatewayError) {
                let visitor = try await mirror.reception.visitor(token)
                context.caller = visitor.name
                context.authenticatedAt = LoopClock.now
                switch visitor {
                case .owner(let credential):
                    account = MirrorAccount(own: credential)
                    if isTurn, let turn = TurnBody(body) { prepare(turn) }
                    try await pass()
                case .seed(let digest, let key):
                    seed = SeedVisit(digest: digest, key: key)
                    try await serveSeed()
                }
            } catch {
                refuse(error)
            }
        }
    }

    /// Whether a model is asked.
    var isTurn: Bool {
        head.method == .post && (path.words == ["conversation"] || path.words == ["f", "conversation"])
    }

    func prepare(_ turn: TurnBody) {
        conversation = turn.conversation
        page = turn.page
        context.model = String("chatgpt/\(turn.model)".prefix(100))
        if mirror.options.forcesNoHistory { body = turn.withoutHistory }
    }

    // MARK: To the site

    func pass() async throws(GatewayError) {
        let request = try await request()
        guard !context.exchange.isClientGone else { return settle(.clientGone) }
        let relay = MirrorRelay(context, mirror.gateway.configuration.timeouts, care) { [self] in ended($0) }
        self.relay = relay
        relay.start(request, on: mirror.gateway.services.upstream)
    }

    /// The same for an answer that is wanted whole.
    func fetch() async throws(GatewayError) -> (UpstreamHead, [UInt8]) {
        let deadline = context.receivedAt.advanced(by: mirror.gateway.configuration.timeouts.request)
        while true {
            let request = try await request()
            context.upstreamCalls += 1
            let call = PlainCall(context.exchange)
            switch await call.run(request, on: mirror.gateway.services.upstream, until: deadline) {
            case .clientGone: throw GatewayError(.clientGone, "The client has left.", source: .client)
            case .failed(let error): throw error
            case .answered(let head, let body):
                if head.status == 401, mayAskAgain {
                    refused = shown
                } else {
                    return (head, body)
                }
            }
        }
    }

    private func request() async throws(GatewayError) -> OutgoingRequest {
        guard let account else { throw .noMirrorAccount }
        context.account = account.id
        let desk = mirror.gateway.makeDesk(
            mirror.provider,
            account: account.id,
            key: account.credential,
            for: context
        )
        context.exchange.onClientGone = { desk.close() }
        let session = try await session(at: desk)
        context.exchange.onClientGone = nil
        shown = session.access
        // Those who share an account do not choose where in it they are.
        let named = account.isShared ? nil : context.workspace
        let workspace = named ?? ChatGPTCredential(account.credential).workspace
        return mirror.site.request(
            path,
            method,
            PassedHeaders.of(head),
            body: body,
            page: page,
            as: MirrorSession(access: session.access, workspace: workspace, account: account.id),
            base: base
        )
    }

    private func session(at desk: TurnDesk) async throws(GatewayError) -> ChatGPTSession {
        do throws(GatewayError) {
            return try await mirror.signOn.session(at: desk, refused: refused)
        } catch {
            guard error.failureClass == .credentialsRefused else { throw error }
            if account?.isShared == true {
                blame(error)
                throw error
            }
            // The visitor's own token is the visitor's own affair.
            throw .invalid(nil, "The token is not accepted, or no longer.", code: .invalidAPIKey)
        }
    }

    private var method: OutgoingRequest.Method {
        OutgoingRequest.Method(rawValue: head.method.rawValue) ?? .get
    }

    private var mayAskAgain: Bool {
        refused == nil && account.map { ChatGPTCredential($0.credential).isRenewable } ?? false
    }

    private var care: MirrorRelay.Care {
        var care = MirrorRelay.Care(origins: mirror.site.origins, own: mirror.address(context))
        care.sign = mirror.options.sign
        care.mayAskAgain = mayAskAgain
        care.begun = { [self] in body = [] }
        care.found = found
        if account?.isShared == true { care.read = { [self] in wasRead($0, $1) } }
        return care
    }

    private func wasRead(_ head: UpstreamHead, _ body: [UInt8]) {
        if head.status >= 400 {
            failure = mirror.provider.failure(head, body)
            if attempt == nil, head.status == 401, let failure { blame(failure) }
        }
        read?(head, body)
    }

    // MARK: The end

    private func ended(_ end: MirrorRelay.End) {
        relay = nil
        switch end {
        case .refused:
            refused = shown
            // Ends with the log-in, which has a deadline.
            Task.immediate { @LoopActor in
                do throws(GatewayError) {
                    try await pass()
                } catch {
                    refuse(error)
                }
            }
        case .done: settle(.done)
        case .clientGone: settle(.clientGone)
        case .clientStalled: settle(.clientStalled)
        case .failed(let error): refuse(error)
        }
    }

    /// Tells the visitor where that can still be done.
    func refuse(_ error: GatewayError) {
        failure = failure ?? error
        if context.exchange.isUnanswered {
            free(.refused)
            mirror.gateway.refuse(error, context)
        } else {
            settle(EndReason(error), error)
        }
    }

    func settle(_ reason: EndReason, _ error: GatewayError? = nil) {
        free(reason)
        mirror.gateway.settle(context, reason, error)
    }

    /// The account has the consequences of how it went.
    private func free(_ reason: EndReason) {
        found = nil
        read = nil
        guard let attempt = attempt.take() else { return }
        if let failure, mirror.gateway.configuration.coolsDown {
            attempt.failed(failure, context.id, body: nil)
        } else if reason == .done, failure == nil {
            attempt.succeeded()
        } else {
            attempt.abandoned()
        }
    }

    /// The shared account is not let in any more: it bears that as it would have in a turn.
    private func blame(_ error: GatewayError) {
        guard attempt == nil, let account, let pool = mirror.pool, mirror.gateway.configuration.coolsDown else {
            return
        }
        let candidate = Candidate(provider: mirror.provider, model: "", weight: 1, pool: pool)
        let id = context.id
        // Ends with the answer of Redis, which has a deadline.
        Task.immediate { @LoopActor in
            guard let lease = try? await pool.lease(of: account.id, model: "") else { return }
            Attempt(candidate: candidate, lease: lease).failed(error, id, body: nil)
        }
    }
}
