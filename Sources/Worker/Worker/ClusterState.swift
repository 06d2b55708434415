import Core
import EventLoop
import Gateway
import Glibc
import Redis
import State

/// What the worker shares with the cluster, all over one client of Redis.
@LoopActor
final class ClusterState {
    let redis: RedisClient
    let keyRing: KeyRing
    let rateLimits: RateLimits
    let ledger: Ledger
    let reasoning: ReasoningStore
    let responses: ResponseStore
    let conversations: ConversationStore
    let nonces: NonceLedger
    let facts: AccountFacts
    let files: FileLedger
    let examinations: ExaminationBook
    let seeds: SeedStore
    let modelLists: ModelLists
    let settings: Settings
    let directory: WorkerDirectory
    let leader: Leader
    /// What the directory and the settings need of the gateway, which comes after them.
    private let gate: Gate
    private var snapshotTimer: LoopTimer?

    /// Nothing when no Redis is configured: then there is the master key alone, and nothing is shared.
    convenience init?(_ configuration: Configuration, address: String, log: Log) throws {
        guard let redis = try Self.client(configuration, log: log) else { return nil }
        try self.init(redis, configuration, address: address, log: log)
    }

    private init(_ redis: RedisClient, _ configuration: Configuration, address: String, log: Log) throws {
        self.redis = redis
        let identity = try WorkerIdentity(
            host: HostName.current,
            pid: Int(getpid()),
            address: address,
            version: BuildVersion.text,
            started: time(nil)
        )
        let gate = Gate()
        self.gate = gate
        directory = WorkerDirectory(redis: redis, identity: identity, status: { gate.status })
        keyRing = KeyRing(redis: redis, now: { time(nil) })
        var limiting = RateLimits.Options()
        limiting.lease = configuration.leaseTime
        rateLimits = RateLimits(
            redis: redis,
            options: limiting,
            log: log,
            livingWorkers: { [directory] in directory.living }
        )
        ledger = Ledger(redis: redis, log: log)
        reasoning = ReasoningStore(redis: redis)
        responses = ResponseStore(redis: redis)
        var conversing = ConversationStore.Options()
        conversing.lifetime = configuration.conversationLifetime
        conversing.mostPerAccount = configuration.conversationsPerAccount
        conversations = ConversationStore(redis: redis, options: conversing)
        nonces = NonceLedger(redis: redis)
        facts = AccountFacts(redis: redis, vault: try AccountPools.vault(configuration))
        files = FileLedger(redis: redis)
        examinations = ExaminationBook(redis: redis)
        seeds = SeedStore(redis: redis)
        modelLists = ModelLists(redis: redis)
        settings = Settings(
            redis: redis,
            defaults: LiveSettings.defaults(configuration),
            checks: LiveSettings.checks { [gate] in gate.gateway },
            log: log
        )
        leader = Leader(redis: redis, id: identity.id, log: log)
    }

    /// The client of the Redis that is configured, not started yet.
    static func client(_ configuration: Configuration, log: Log) throws(UsageError) -> RedisClient? {
        guard let url = configuration.redisURL else { return nil }
        guard let address = RedisAddress(url) else {
            throw UsageError(message: "REDIS_URL must be redis://…, unix://…, redis+sentinel://… or redis+cluster://…")
        }
        var options = RedisOptions()
        options.timeout = configuration.redisTimeout
        return RedisClient(address: address, options: options, log: log)
    }

    /// Begins to listen to the cluster and to speak of this worker, which serves by `gateway`.
    func start(_ gateway: Gateway, _ pools: [AccountPool], _ configuration: Configuration, log: Log) {
        gate.gateway = gateway
        redis.start()
        keyRing.start()
        settings.observe { [ledger] in
            LiveSettings.apply($0, over: configuration, to: gateway, ledger, log)
        }
        settings.start()
        snapshotTimer = LoopTimer { [unowned self] in publishFigures() }
        publishFigures()
        directory.start()
        if !configuration.previousSecrets.isEmpty {
            leader.job("reseal", every: .seconds(600)) { await Self.reseal(pools, log) }
        }
        leader.job("models", every: .seconds(300)) { [weak gateway] in await gateway?.refreshModels() }
        if configuration.refreshesAccounts {
            leader.job("refresh", every: .seconds(3600)) { [weak gateway] in
                await gateway?.refreshAccounts(force: false)
            }
            leader.job("refresh-all", every: configuration.refreshInterval) { [weak gateway] in
                await gateway?.refreshAccounts(force: true)
            }
        }
        leader.start()
    }

    /// Seals under the current secret what was sealed under a previous one, so that the operator can forget that.
    private static func reseal(_ pools: [AccountPool], _ log: Log) async {
        for pool in pools {
            do throws(GatewayError) {
                let count = try await pool.reseal()
                if count > 0 {
                    log(.info, "accounts sealed anew", LogField("pool", pool.name), LogField("count", count))
                }
            } catch {
                log(.warning, "accounts not sealed anew", LogField("pool", pool.name), LogField("error", error.label))
            }
        }
    }

    /// Gives the directory the worker's figures, which travel with its next sign of life.
    private func publishFigures() {
        guard let gateway = gate.gateway else { return }
        directory.publish(snapshot: gateway.metricsSnapshot())
        snapshotTimer?.schedule(after: .seconds(4))
    }

    /// The worker is about to go: others take over what only one does, and send it nothing more.
    func beginDraining() async {
        directory.beat()
        await leader.resign()
    }

    /// The way from what is made before the gateway to the gateway.
    @LoopActor
    private final class Gate {
        weak var gateway: Gateway?

        var status: WorkerStatus {
            guard let gateway else { return WorkerStatus() }
            return WorkerStatus(
                openRequests: gateway.openRequests,
                openStreams: gateway.openStreams,
                isDraining: gateway.isDraining
            )
        }
    }

    /// Sends what has not been written down yet, then hangs up.
    func close(_ pools: some Sequence<AccountPool>) async {
        await rateLimits.drain()
        await ledger.drain()
        for pool in pools {
            await pool.drain()
            pool.close()
        }
        await directory.goodbye()
        snapshotTimer?.close()
        leader.close()
        settings.close()
        directory.close()
        rateLimits.close()
        ledger.close()
        conversations.close()
        keyRing.close()
        redis.close()
    }
}
