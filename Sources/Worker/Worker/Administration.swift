import Admin
import Core
import EventLoop
import Glibc
import State

/// What a worker's administration shows and changes, put together.
@LoopActor
struct Administration {
    let service: AdminService
    private let parts: AdminParts

    init(_ configuration: Configuration, _ state: ClusterState, log: Log) throws {
        var parts = AdminParts(log: log, now: { time(nil) })
        parts.username = configuration.adminUsername
        parts.password = configuration.adminPassword
        parts.redis = state.redis
        parts.keyRing = state.keyRing
        parts.limits = RateLimits(redis: state.redis, log: log, livingWorkers: { 1 })
        parts.ledger = Ledger(redis: state.redis, log: log)
        let settings = Settings(
            redis: state.redis,
            defaults: SettingRules.defaults(Environment.ofProcess),
            checks: SettingRules.checks,
            log: log
        )
        parts.settings = settings
        parts.prices = { try? SettingRules.prices(settings.values[.prices]) }
        let identity = try WorkerIdentity(host: "", pid: Int(getpid()), address: "", version: "", started: time(nil))
        parts.directory = WorkerDirectory(redis: state.redis, identity: identity, status: { WorkerStatus() })
        let vault = try configuration.secret.map { try Vault(secret: $0, previous: configuration.previousSecrets) }
        parts.pools = [("openai", configuration.openAI.keys), ("deepseek", configuration.deepSeek.keys)].map {
            AccountPool(name: $0.0, environment: $0.1, redis: state.redis, vault: vault, log: log)
        }
        self.parts = parts
        service = try AdminService(parts)
    }

    func start() {
        parts.pools.forEach { $0.start() }
        parts.settings?.start()
        parts.directory?.start()
    }

    func close() async {
        parts.pools.forEach { $0.close() }
        parts.settings?.close()
        parts.ledger?.close()
        parts.limits?.close()
        await parts.directory?.goodbye()
    }
}
