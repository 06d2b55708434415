import Admin
import Core
import EventLoop
import Providers
import Redis
import State

/// The pools of accounts, one a provider that needs any.
@LoopActor
enum AccountPools {
    static func make(
        _ configuration: Configuration,
        _ settings: ProviderSettings,
        redis: RedisClient?,
        log: Log
    ) throws(UsageError) -> [String: AccountPool] {
        let vault = try vault(configuration)
        var options = AccountPool.Options()
        options.leaseTime = configuration.leaseTime
        var pools: [String: AccountPool] = [:]
        for definition in ProviderCatalog.definitions where definition.hasPool {
            pools[definition.name] = AccountPool(
                name: definition.name,
                environment: definition.credentials(settings),
                redis: redis,
                vault: vault,
                options: Self.options(options, definition.pool, settings),
                log: log
            )
        }
        return pools
    }

    /// What a provider's traits make of the usual options.
    static func options(
        _ usual: AccountPool.Options,
        _ traits: PoolTraits,
        _ settings: ProviderSettings
    ) -> AccountPool.Options {
        var options = usual
        if traits.isExact { options.use = .scripted }
        let concurrency = traits.concurrencyVariable.flatMap { settings.text($0) }.flatMap { Int($0) }
        options.usualConcurrency = concurrency ?? traits.concurrency
        if traits.restsWhole { options.consequences[.rateLimited]?.scope = .account }
        if let rest = traits.rest {
            options.consequences[.rateLimited]?.first = rest.first
            options.consequences[.rateLimited]?.longest = rest.longest
        }
        return options
    }

    static func vault(_ configuration: Configuration) throws(UsageError) -> Vault? {
        guard let secret = configuration.secret else { return nil }
        do throws(VaultError) {
            return try Vault(secret: secret, previous: configuration.previousSecrets)
        } catch {
            throw UsageError(message: "MILLRACE_SECRET cannot be used: no key can be derived from it")
        }
    }
}

extension ProviderDefinition {
    /// In which form the administration keeps the credentials of this provider.
    var credentialForm: CredentialForm { CredentialForm(hasCommas: pool.hasCommas, reads: pool.reads) }
}
