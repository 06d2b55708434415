package import Core
package import EventLoop
import HTTPCodec
package import HTTPServer
import OpenAIAPI
package import Providers
package import State
package import Upstream

/// The request's life: who asks, what for, who serves it, how it ended. One for each worker.
@LoopActor
package final class Gateway: RequestHandler {
    let configuration: Configuration
    let router: ModelRouter
    let catalog: ModelCatalog
    let authenticator: Authenticator
    /// Other parts of the worker may add figures to it.
    package let metrics: WorkerMetrics
    private let clusterMetrics: ClusterMetrics
    let log: Log
    let services: RelayServices
    let readiness: Readiness
    private var random = SystemRandomNumberGenerator()
    /// Which account of a pool comes first; begins anywhere, so that workers do not all begin with the same one.
    private var turn = Int.random(in: 0..<1 << 20)
    private var ids: RequestIDs
    private let settlement: Settlement
    /// The worker has given up waiting: who is cut off now has not left by itself.
    private var isCutShort = false

    /// Assembles the gateway of a worker from its parts.
    package init(_ parts: GatewayParts) throws(ModelRoutes.Problem) {
        configuration = parts.configuration
        log = parts.log
        router = try ModelRouter(providers: parts.providers, routes: parts.routes)
        catalog = ModelCatalog(providers: parts.providers, router: router, upstream: parts.upstream, log: parts.log)
        authenticator = Authenticator(masterKey: parts.configuration.masterKey, keyRing: parts.keyRing)
        metrics = WorkerMetrics(worker: parts.workerID)
        metrics.observe(parts.upstream)
        clusterMetrics = ClusterMetrics(own: metrics, snapshots: parts.snapshots)
        readiness = Readiness(isStateReachable: parts.isStateReachable)
        settlement = Settlement(
            metrics: metrics,
            counters: parts.counters,
            log: parts.log,
            logsAccess: parts.configuration.logsAccess
        )
        var seed = SystemRandomNumberGenerator()
        ids = RequestIDs(seed: seed.next())
        services = RelayServices(
            upstream: parts.upstream,
            lingering: LingeringTransfers(),
            limits: RelayLimits(parts.configuration.timeouts),
            answer: { error, context in ErrorAnswer.send(error, context) }
        )
    }

    package func handle(_ request: ServerRequest, _ exchange: Exchange) {
        let id = request.head.first("x-request-id").flatMap { RequestIDs.sane($0) } ?? ids.next()
        let context = RequestContext(id: id, exchange: exchange, receivedAt: request.receivedAt)
        metrics.requestBegan(at: request.receivedAt)
        context.route = Route(request.head)
        do throws(GatewayError) {
            try begin(request, context)
        } catch {
            refuse(error, context)
        }
    }

    /// The end of every request.
    func settle(_ context: RequestContext, _ reason: EndReason, _ error: GatewayError? = nil) {
        settlement.settle(context, reason == .clientGone && isCutShort ? .drained : reason, error)
    }

    package func refusal(_ error: GatewayError) -> (requestID: String, body: [UInt8]) {
        metrics.refusedUnread()
        let id = ids.next()
        log(error.logLevel, "request refused", LogField("request_id", id), LogField("reason", error.message))
        return (id, ErrorBody.bytes(error, requestID: id))
    }

    /// Cuts what still runs when draining has taken too long.
    package func cutShort() {
        isCutShort = true
        for stream in streams.values { stream.cutShort() }
        services.lingering.close()
    }

    /// Waits until what ended has been written down. Every request has ended when this is called; what is left are the
    /// last steps of their tasks.
    package func settled() async {
        for _ in 0..<100 where metrics.open > 0 { await Task.yield() }
    }

    /// From now on the worker tells whoever asks that it is going.
    package func beginDraining() { readiness.isDraining = true }

    /// Streams under way, for `cutShort`.
    private var streams: [ObjectIdentifier: StreamServing] = [:]

    func track(_ stream: StreamServing) {
        metrics.streamBegan()
        streams[ObjectIdentifier(stream)] = stream
    }

    func untrack(_ stream: StreamServing) {
        metrics.streamEnded()
        streams[ObjectIdentifier(stream)] = nil
    }

    /// This worker's figures in the form that `GatewayParts.snapshots` of the others takes.
    package func metricsSnapshot() -> [UInt8] { metrics.snapshot() }

    private func refuse(_ error: GatewayError, _ context: RequestContext) {
        ErrorAnswer.send(error, context)
        settle(context, EndReason(error), error)
    }

    private func begin(_ request: ServerRequest, _ context: RequestContext) throws(GatewayError) {
        switch context.route {
        case .health:
            Endpoints.health(context)
            settle(context, .done)
        case .ready:
            try readiness.answer(context)
            settle(context, .done)
        case .metrics:
            let scope = ClusterMetrics.Scope(query: request.head.query)
            // Ends with the answer of Redis, which has a deadline.
            Task.immediate { @LoopActor in
                await Endpoints.metrics(clusterMetrics, scope, context)
                settle(context, .done)
            }
        case .model, .models, .modelDetails:
            switch try authenticator.check(request.head) {
            case .caller(let caller):
                try admit(caller, request, context)
            case .unknown(let digest):
                // Ends with the answer of the key ring, which has a deadline.
                Task.immediate { @LoopActor in await lookUp(digest, request, context) }
            }
        case .wrongMethod(let allowed):
            throw .invalid(nil, "This path takes \(allowed) requests only.", code: .methodNotAllowed)
        case .unknown:
            throw .invalid(nil, "There is nothing at this path.", code: .notFound)
        }
    }

    private func lookUp(_ digest: String, _ request: ServerRequest, _ context: RequestContext) async {
        do throws(GatewayError) {
            try admit(try await authenticator.caller(ofKeyWithDigest: digest), request, context)
        } catch {
            refuse(error, context)
        }
    }

    /// Serves a request whose caller is known.
    private func admit(_ caller: Caller, _ request: ServerRequest, _ context: RequestContext) throws(GatewayError) {
        context.caller = caller.name
        context.authenticatedAt = LoopClock.now
        switch context.route {
        case .model(let operation): try serve(operation, request.body, caller, context)
        case .modelDetails(let name):
            // Ends when the catalogue has asked the upstreams, which has a deadline.
            Task.immediate { @LoopActor in
                do throws(GatewayError) {
                    try await Endpoints.model(name, self, context)
                    settle(context, .done)
                } catch {
                    refuse(error, context)
                }
            }
        default:
            Task.immediate { @LoopActor in
                await Endpoints.models(self, context)
                settle(context, .done)
            }
        }
    }

    private func serve(
        _ operation: ModelRequest.Operation,
        _ body: [UInt8],
        _ caller: Caller,
        _ context: RequestContext
    ) throws(GatewayError) {
        let asked = try ModelRequest(operation, body: body)
        context.model = asked.model
        guard caller.allows(model: asked.model) else {
            throw .invalid(
                "model",
                "This API key may not use the model '\(asked.model.prefix(100))'.",
                code: .permissionDenied
            )
        }
        context.streams = asked.streams && operation != .embedding
        turn = (turn + 1) & 0xFFFF_FFFF
        let attempts = router.attempts(
            for: asked.model,
            limit: configuration.retryTimes + 1,
            turn: turn,
            random: &random
        )
        guard !attempts.isEmpty else { throw router.unknown(asked.model, known: catalog.knownNames) }
        if context.streams {
            StreamServing(asked, attempts, context, gateway: self).begin()
        } else {
            // The one task of the request, begun only now: whatever was needed to get here is gone while it waits. It
            // ends with the request's deadline at the latest.
            Task.immediate { @LoopActor in await answerWhole(asked, attempts, context) }
        }
    }
}

/// What a worker gives its gateway.
@LoopActor
package struct GatewayParts {
    let configuration: Configuration
    let providers: [any Provider]
    let routes: ModelRoutes
    let upstream: UpstreamClient
    let keyRing: KeyRing?
    let counters: RequestCounters?
    let isStateReachable: @LoopActor () -> Bool
    let log: Log
    /// Tells this worker's figures from those of the others.
    let workerID: String?
    /// What the other living workers have published of their figures.
    let snapshots: @LoopActor () async -> [[UInt8]]

    package init(
        configuration: Configuration,
        providers: [any Provider],
        routes: ModelRoutes,
        upstream: UpstreamClient,
        keyRing: KeyRing?,
        counters: RequestCounters?,
        isStateReachable: @escaping @LoopActor () -> Bool,
        log: Log,
        workerID: String? = nil,
        snapshots: @escaping @LoopActor () async -> [[UInt8]] = { [] }
    ) {
        self.configuration = configuration
        self.providers = providers
        self.routes = routes
        self.upstream = upstream
        self.keyRing = keyRing
        self.counters = counters
        self.isStateReachable = isStateReachable
        self.log = log
        self.workerID = workerID
        self.snapshots = snapshots
    }
}
