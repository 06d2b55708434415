import Admin
package import Core
package import EventLoop
import HTTPCodec
package import HTTPServer
import OpenAIAPI
import Providers
package import State

/// The request's life: who asks, what for, who serves it, how it ended. One for each worker.
@LoopActor
package final class Gateway: RequestHandler {
    private(set) var configuration: Configuration
    private(set) var router: ModelRouter
    private(set) var services: RelayServices
    let catalog: ModelCatalog
    let authenticator: Authenticator
    let rateLimits: RateLimits?
    let admin: AdminService?
    let prices: PriceBook
    /// Other parts of the worker may add figures to it.
    package let metrics: WorkerMetrics
    let clusterMetrics: ClusterMetrics
    let log: Log
    let readiness: Readiness
    let gatherer: MaterialGatherer
    let responses: ResponseStore?
    let conversations: ConversationStore?
    let nonces: NonceLedger?
    let facts: AccountFacts?
    let files: FileLedger?
    /// Of the ChatGPT site, where the operator wants one.
    private(set) var mirror: Mirror?
    var random = SystemRandomNumberGenerator()
    let providers: [any Provider]
    let pools: [String: AccountPool]
    private let engines: EngineDirectory?
    private var ids: RequestIDs
    private let settlement: Settlement
    /// The worker has given up waiting: who is cut off now has not left by itself.
    private var isCutShort = false

    /// Assembles the gateway of a worker from its parts.
    package init(_ parts: GatewayParts) throws(ModelRoutes.Problem) {
        configuration = parts.configuration
        log = parts.log
        providers = parts.providers
        pools = parts.pools
        prices = PriceBook(parts.prices)
        rateLimits = parts.rateLimits
        admin = parts.admin
        engines = parts.engines
        router = try ModelRouter(
            providers: parts.providers,
            pools: parts.pools,
            routes: parts.routes,
            engines: parts.engines
        )
        catalog = ModelCatalog(
            providers: parts.providers,
            pools: parts.pools,
            router: router,
            upstream: parts.upstream,
            lists: parts.modelLists,
            log: parts.log
        )
        authenticator = Authenticator(
            masterKey: parts.configuration.masterKey,
            keyRing: parts.keyRing,
            words: PoolWords(parts.configuration.mirror)
        )
        metrics = WorkerMetrics(worker: parts.workerID)
        metrics.observe(parts.upstream)
        clusterMetrics = ClusterMetrics(own: metrics, snapshots: parts.snapshots)
        responses = parts.responses
        conversations = parts.conversations
        nonces = parts.nonces
        facts = parts.facts
        files = parts.files
        gatherer = MaterialGatherer(
            fetcher: parts.strangers.map { client in
                var limits = AddressFetcher.Limits()
                limits.isPublicOnly = !parts.configuration.fetchesPrivate
                return AddressFetcher(client: client, limits: limits)
            },
            reasoning: parts.reasoning
        )
        readiness = Readiness(isStateReachable: parts.isStateReachable)
        settlement = Settlement(parts, metrics: metrics, prices: prices)
        var seed = SystemRandomNumberGenerator()
        ids = RequestIDs(seed: seed.next())
        services = RelayServices(
            upstream: parts.upstream,
            lingering: LingeringTransfers(),
            limits: RelayLimits(parts.configuration.timeouts),
            answer: { error, context in ErrorAnswer.send(error, context) }
        )
        mirror = Mirror(parts, gateway: self)
        catalog.makeDesk = { [unowned self] in lastingDesk($0, account: $1, key: $2) }
    }

    /// Whether the routes name only what there is.
    package func check(_ routes: ModelRoutes) throws(ModelRoutes.Problem) {
        _ = try ModelRouter(providers: providers, pools: pools, routes: routes)
    }

    /// Takes over what the operator has changed; requests under way go on as they began.
    package func apply(
        _ configuration: Configuration,
        routes: ModelRoutes,
        prices: Prices
    ) throws(ModelRoutes.Problem) {
        router = try ModelRouter(providers: providers, pools: pools, routes: routes, engines: engines)
        catalog.router = router
        self.prices.prices = prices
        self.configuration = configuration
        services.limits = RelayLimits(configuration.timeouts)
        settlement.logsAccess = configuration.logsAccess
    }

    package func handle(_ request: ServerRequest, _ exchange: Exchange) {
        let id = request.head.first("x-request-id").flatMap { RequestIDs.sane($0) } ?? ids.next()
        let context = RequestContext(id: id, exchange: exchange, receivedAt: request.receivedAt)
        metrics.requestBegan(at: request.receivedAt)
        context.route = Route(request.head)
        context.head = request.head
        do throws(GatewayError) {
            try begin(request, context)
        } catch {
            refuse(error, context)
        }
    }

    /// Begins what goes on beside requests.
    package func start() { catalog.start() }

    package func close() { catalog.close() }

    /// Asks all upstreams which models they have; once in a while, by one worker, is enough.
    package func refreshModels() async { await catalog.refresh() }

    /// The end of every request.
    func settle(_ context: RequestContext, _ reason: EndReason, _ error: GatewayError? = nil) {
        settlement.settle(context, reason == .clientGone && isCutShort ? .drained : reason, error)
        leave(context)
    }

    func refuse(_ error: GatewayError, _ context: RequestContext) {
        ErrorAnswer.send(error, context)
        settle(context, EndReason(error), error)
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

    package var isDraining: Bool { readiness.isDraining }

    /// Requests and, of these, streams under way.
    package var openRequests: Int { metrics.open }
    package var openStreams: Int { streams.count }

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
}
