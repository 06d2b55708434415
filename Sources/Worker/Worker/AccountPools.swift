import Core
import EventLoop
import Redis
import State

/// The pools of accounts, one a provider that needs any.
@LoopActor
enum AccountPools {
    /// Each provider with the keys of its pool that the environment gives.
    static func environment(_ configuration: Configuration) -> [(name: String, keys: [String])] {
        [("openai", configuration.openAI.keys), ("deepseek", configuration.deepSeek.keys)]
    }

    static func make(
        _ configuration: Configuration,
        redis: RedisClient?,
        log: Log
    ) throws(UsageError) -> [String: AccountPool] {
        let vault = try vault(configuration)
        var options = AccountPool.Options()
        options.leaseTime = configuration.leaseTime
        var pools: [String: AccountPool] = [:]
        for (name, keys) in environment(configuration) {
            pools[name] = AccountPool(
                name: name,
                environment: keys,
                redis: redis,
                vault: vault,
                options: options,
                log: log
            )
        }
        return pools
    }

    private static func vault(_ configuration: Configuration) throws(UsageError) -> Vault? {
        guard let secret = configuration.secret else { return nil }
        do throws(VaultError) {
            return try Vault(secret: secret, previous: configuration.previousSecrets)
        } catch {
            throw UsageError(message: "MILLRACE_SECRET cannot be used: no key can be derived from it")
        }
    }
}
