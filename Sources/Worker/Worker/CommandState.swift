import Admin
import Core
import EventLoop
import Gateway
import Glibc
import Providers
import Redis
import State
import Upstream

/// What commands of the command line reach of the shared state: the same types that workers use, over a connection that
/// has more patience, since somebody waits at a terminal.
@LoopActor
struct CommandState {
    let redis: RedisClient
    let keyRing: KeyRing
    let limits: RateLimits
    let ledger: Ledger
    let settings: Settings
    let examinations: ExaminationBook
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
        examinations = ExaminationBook(redis: redis)
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

    /// The accounts of a provider. The environment's own do not take part, since only workers register them, but for what
    /// their credentials are, where those are wanted.
    func pool(_ name: String, environment credentials: [String] = []) throws(UsageError) -> AccountPool {
        let vault = try vault()
        var options = AccountPool.Options()
        if let traits = ProviderCatalog.definitions.first(where: { $0.name == name })?.pool {
            let variables = traits.concurrencyVariable.map { [$0: environment.text($0) ?? ""] } ?? [:]
            options = AccountPools.options(options, traits, ProviderSettings(variables, now: { time(nil) }))
        }
        return AccountPool(
            name: name,
            environment: credentials,
            redis: redis,
            vault: vault,
            options: options,
            log: log
        )
    }

    private func vault() throws(UsageError) -> Vault? {
        var vault: Vault?
        if let secret = environment.text("MILLRACE_SECRET") {
            do throws(VaultError) {
                vault = try Vault(secret: secret, previous: environment.list("MILLRACE_SECRET_PREVIOUS"))
            } catch {
                throw UsageError(message: "MILLRACE_SECRET cannot be used")
            }
        }
        return vault
    }

    /// What tests accounts of a pool at their upstream, as workers with the same environment do; to be closed.
    func examiner(of name: String) throws(UsageError) -> CommandExaminer {
        let configuration = try Configuration(environment, masterKey: "nobody")
        let settings = ProviderSettings(configuration.upstreams, now: { time(nil) })
        let credentials = ProviderCatalog.definitions.first { $0.name == name }?.credentials(settings) ?? []
        let pool = try pool(name, environment: credentials)
        let upstream = Service.makeUpstream(configuration)
        let examiner = AccountExaminer(
            providers: try Service.makeProviders(settings),
            pools: [name: pool],
            upstream: upstream,
            nonces: NonceLedger(redis: redis),
            facts: AccountFacts(redis: redis, vault: try vault())
        )
        let examination = PoolExamination(
            examine: { account async throws(GatewayError) in try await examiner.examine(account) },
            book: examinations
        )
        return CommandExaminer(pool: pool, examination: examination, upstream: upstream)
    }

    func close() {
        settings.close()
        ledger.close()
        limits.close()
        keyRing.close()
        redis.close()
    }
}

/// A pool with what tests its accounts.
@LoopActor
struct CommandExaminer {
    let pool: AccountPool
    let examination: PoolExamination
    let upstream: UpstreamClient

    func close() {
        pool.close()
        upstream.close()
    }
}
