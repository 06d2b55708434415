import Core
import EventLoop
import Glibc
import Redis
import State

/// What commands of the command line reach of the shared state: the same types that workers use, over a connection that
/// has more patience, since somebody waits at a terminal.
@LoopActor
struct CommandState {
    let redis: RedisClient
    let keyRing: KeyRing
    let limits: RateLimits
    let ledger: Ledger
    let settings: Settings
    private let environment: Environment
    private let log: Log

    init(_ environment: Environment) throws(UsageError) {
        guard let url = environment.text("REDIS_URL") else {
            throw UsageError(message: "REDIS_URL must be set: what the cluster shares is kept there")
        }
        guard let address = RedisAddress(url) else {
            throw UsageError(message: "REDIS_URL must be redis://[:password@]host:port/db or unix://path")
        }
        var options = RedisOptions()
        options.timeout = .seconds(5)
        let log = StandardStreams.log(level: .error)
        redis = RedisClient(address: address, options: options, log: log)
        keyRing = KeyRing(redis: redis, now: { time(nil) })
        limits = RateLimits(redis: redis, log: log, livingWorkers: { 1 })
        ledger = Ledger(redis: redis, log: log)
        settings = Settings(
            redis: redis,
            defaults: SettingRules.defaults(environment),
            checks: SettingRules.checks,
            log: log
        )
        self.environment = environment
        self.log = log
        redis.start()
    }

    /// Who is at the terminal, for the record of changes.
    var user: String { "command line" + (environment.text("USER").map { ", \($0)" } ?? "") }

    /// The accounts of a provider. The environment's own do not take part: only workers register them.
    func pool(_ name: String) throws(UsageError) -> AccountPool {
        var vault: Vault?
        if let secret = environment.text("MILLRACE_SECRET") {
            do throws(VaultError) {
                vault = try Vault(secret: secret, previous: environment.list("MILLRACE_SECRET_PREVIOUS"))
            } catch {
                throw UsageError(message: "MILLRACE_SECRET cannot be used")
            }
        }
        return AccountPool(name: name, environment: [], redis: redis, vault: vault, log: log)
    }

    func close() {
        settings.close()
        ledger.close()
        limits.close()
        keyRing.close()
        redis.close()
    }
}
