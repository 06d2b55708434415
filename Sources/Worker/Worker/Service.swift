import Admin
import Core
import EventLoop
import Gateway
import Glibc
import HTTPCodec
import HTTPServer
import Providers
import Redis
import State
import Upstream

/// Puts the parts of a worker together, runs them until a signal asks it to go, and lets what is under way finish.
@LoopActor
enum Service {
    /// Returns the exit status.
    static func run(_ configuration: Configuration, on address: ListenAddress) async -> Int32 {
        let log = StandardStreams.log(level: configuration.logLevel)
        let upstream = makeUpstream(configuration)
        let strangers = makeUpstream(configuration, isPublicOnly: true)
        do {
            let state = try ClusterState(configuration, address: address.description, log: log)
            let settings = ProviderSettings(configuration.upstreams, now: { time(nil) })
            let providers = try makeProviders(settings)
            let pools = try AccountPools.make(configuration, settings, redis: state?.redis, log: log)
            var parts = GatewayParts(
                configuration: configuration,
                providers: providers,
                upstream: upstream,
                prices: try Prices(overriding: configuration.prices),
                log: log
            )
            parts.strangers = strangers
            parts.routes = try configuration.modelRoutes.map { try ModelRoutes($0) } ?? ModelRoutes()
            parts.pools = pools
            if let state { parts.share(state) }
            let engines = try Engines.directory(configuration, redis: state?.redis)
            parts.engines = engines
            let examiner = AccountExaminer(
                providers: providers,
                pools: pools,
                upstream: upstream,
                nonces: state?.nonces,
                facts: state?.facts
            )
            parts.admin = try makeAdmin(configuration, state, pools, examiner, log)
            let gateway = try Gateway(parts)
            state?.start(gateway, Array(pools.values), configuration, log: log)
            for pool in pools.values { pool.start() }
            engines.start()
            gateway.start()
            var options = ServerOptions()
            options.limits.bodyBytes = configuration.maxBodyBytes
            let server = HTTPServer(options: options, handler: gateway)
            gateway.metrics.observe(server)
            if let redis = state?.redis { gateway.metrics.observe(redis) }
            for pool in pools.values { StateFigures.observe(pool, in: gateway.metrics) }
            let bound = try server.listen(on: address)
            log(.info, "listening", LogField("address", bound.description), LogField("pid", Int(getpid())))
            if needsTLS(providers, pools) { upstream.warmUp() }
            await termination()
            log(.info, "draining", LogField("connections", server.openConnections))
            gateway.beginDraining()
            await state?.beginDraining()
            await drain(server, gateway, configuration.timeouts.drain)
            engines.close()
            await state?.close(pools.values)
            gateway.close()
            upstream.close()
            strangers.close()
            log(.info, "stopped")
            return 0
        } catch let problem as ModelRoutes.Problem {
            log(.error, "cannot start", LogField("reason", problem.message))
            return 64
        } catch let problem as PricesError {
            log(.error, "cannot start", LogField("reason", "PRICES_FILE: \(problem.message)"))
            return 64
        } catch let problem as UsageError {
            log(.error, "cannot start", LogField("reason", problem.message))
            return 64
        } catch let error as LoopError {
            log(
                .error,
                "cannot listen",
                LogField("address", address.description),
                LogField("reason", error.reason)
            )
            return 69
        } catch {
            log(.error, "cannot start", LogField("reason", "\(error)"))
            return 70
        }
    }

    static func makeProviders(_ settings: ProviderSettings) throws(UsageError) -> [any Provider] {
        do throws(ProviderProblem) {
            var providers: [any Provider] = []
            for definition in ProviderCatalog.definitions { providers.append(try definition.make(settings)) }
            return providers
        } catch {
            throw UsageError(message: error.message)
        }
    }

    private static func makeAdmin(
        _ configuration: Configuration,
        _ state: ClusterState?,
        _ pools: [String: AccountPool],
        _ examiner: AccountExaminer,
        _ log: Log
    ) throws -> AdminService {
        var parts = AdminParts(log: log, now: { time(nil) })
        parts.username = configuration.adminUsername
        parts.password = configuration.adminPassword
        parts.pools = pools.values.sorted { $0.name < $1.name }
        for definition in ProviderCatalog.definitions {
            parts.credentialForms[definition.name] = definition.credentialForm
        }
        if let state {
            parts.examine = { account async throws(GatewayError) in try await examiner.examine(account) }
            parts.examinations = state.examinations
            parts.redis = state.redis
            parts.keyRing = state.keyRing
            parts.limits = state.rateLimits
            parts.ledger = state.ledger
            parts.settings = state.settings
            parts.prices = { [settings = state.settings] in try? SettingRules.prices(settings.values[.prices]) }
            parts.directory = state.directory
        }
        return try AdminService(parts)
    }

    static func makeUpstream(_ configuration: Configuration, isPublicOnly: Bool = false) -> UpstreamClient {
        var options = UpstreamOptions()
        options.connectTimeout = configuration.timeouts.connect
        options.proxyURL = configuration.proxyURL
        options.caFile = configuration.caFile
        options.allowsHTTP2 = configuration.allowsHTTP2
        options.isPublicOnly = isPublicOnly && !configuration.fetchesPrivate
        return UpstreamClient(options: options)
    }

    /// Whether any upstream that can be called is reached by TLS.
    private static func needsTLS(_ providers: [any Provider], _ pools: [String: AccountPool]) -> Bool {
        providers.contains { provider in
            let isUsed = provider.needsAccount ? pools[provider.name]?.isConfigured == true : provider.isConfigured
            return isUsed && provider.baseURL.hasPrefix("https://")
        }
    }

    /// Waits for SIGTERM or SIGINT.
    private static func termination() async {
        var watchers: [SignalWatcher] = []
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            var waiting: CheckedContinuation<Void, Never>? = continuation
            let proceed: @LoopActor () -> Void = { waiting.take()?.resume() }
            watchers = [SignalWatcher(.terminate, proceed), SignalWatcher(.interrupt, proceed)]
        }
        // A second signal must not end the process in the middle of a stream: the watchers stay for its rest.
        remaining = watchers
    }

    private static var remaining: [SignalWatcher] = []

    private static func drain(_ server: HTTPServer, _ gateway: Gateway, _ patience: Duration) async {
        let limit = LoopTimer {
            gateway.cutShort()
            server.close()
        }
        limit.schedule(after: patience)
        await server.drain()
        limit.close()
        await gateway.settled()
    }
}

extension GatewayParts {
    /// What is to be had once there is a Redis.
    fileprivate mutating func share(_ state: ClusterState) {
        keyRing = state.keyRing
        rateLimits = state.rateLimits
        ledger = state.ledger
        reasoning = state.reasoning
        responses = state.responses
        conversations = state.conversations
        nonces = state.nonces
        facts = state.facts
        files = state.files
        seeds = state.seeds
        modelLists = state.modelLists
        isStateReachable = { [redis = state.redis] in redis.isReady }
        workerID = state.directory.identity.id
        snapshots = { [directory = state.directory] in
            // Whoever looks at the figures while Redis is away sees those of this worker.
            ((try? await directory.snapshots()) ?? []).map(\.bytes)
        }
    }
}
