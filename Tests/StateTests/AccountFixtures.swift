import Core
import EventLoop
import TestSupport
import Testing

@testable import Redis
@testable import State

/// A worker with one pool: its own connections, environment and mirror.
@LoopActor
final class PoolWorker {
    let redis: RedisClient
    let pool: AccountPool

    init(
        _ server: RedisServer,
        _ environment: [String] = [],
        name: String = "lab",
        secret: String = PoolWorker.secret,
        previous: [String] = [],
        clock: RedisTime? = nil,
        timeout: Duration = .seconds(5),
        _ change: (inout AccountPool.Options) -> Void = { _ in }
    ) async throws {
        var settings = RedisOptions()
        settings.timeout = timeout
        settings.longestBackoff = .milliseconds(50)
        settings.breakerThreshold = 3
        redis = RedisClient(address: try #require(RedisAddress(server.unixURL)), options: settings, log: .silent)
        var options = AccountPool.Options()
        options.retryInterval = .milliseconds(20)
        change(&options)
        pool = AccountPool(
            name: name,
            environment: environment,
            redis: redis,
            vault: try Vault(secret: secret, previous: previous),
            options: options,
            log: .silent
        )
        redis.start()
        let client = redis
        await eventually("the worker is connected") { client.isReady }
        try await clock?.install(in: redis)
        pool.start()
        let waiting = pool
        await eventually("the mirror is filled") { waiting.isCurrent }
    }

    func close() {
        pool.close()
        redis.close()
    }

    static let secret = "a secret of more than thirty-two bytes, as generated ones are"
}

/// Redis' clock, moved by hand: the scripts are loaded with a few lines in front that answer TIME.
@LoopActor
final class RedisTime {
    private static let shim = """
        local server = redis
        local redis = { call = function(name, ...)
            if name == 'TIME' then
                local time = tonumber(server.call('GET', 'test:time'))
                return { tostring(math.floor(time / 1000)), tostring(time % 1000 * 1000) }
            end
            return server.call(name, ...)
        end }

        """
    private static let scripts = [
        StateScripts.leaseAccount, StateScripts.reportAccount, StateScripts.registerAccounts, StateScripts.writeAccount,
        StateScripts.enableAccount, StateScripts.removeAccount, StateScripts.clearCooldown, StateScripts.readAccounts,
        StateScripts.resealAccount, StateScripts.renewLeases,
    ]

    /// Never behind the real one, so that no key is set to expire in the past.
    private(set) var now = 0

    func install(in redis: RedisClient) async throws {
        if now == 0 {
            let time = try await redis.command(["TIME"], timeout: .seconds(5)).elements
            now = (try #require(time.first?.int) + 1) * 1000
            _ = try await redis.command(["SET", "test:time", .integer(now)], timeout: .seconds(5))
        }
        for script in Self.scripts {
            let source = Array(Self.shim.utf8) + script.source
            let load: [RedisArgument] = ["SCRIPT", "LOAD", .bytes(source)]
            redis.digests[script.name] = try await redis.command(load, timeout: .seconds(5)).bytes
        }
    }

    func advance(_ milliseconds: Int, _ redis: RedisClient) async throws {
        now += milliseconds
        _ = try await redis.command(["SET", "test:time", .integer(now)], timeout: .seconds(5))
    }
}

extension Outcome {
    static func limited(_ request: String, retryAfter: Int? = nil, body: String = "") -> Outcome {
        .failure(.rateLimited, retryAfter: retryAfter, requestID: request, requestDigest: body, evidenceDigest: "e")
    }

    static func failed(_ reason: FailureClass, _ request: String, body: String = "") -> Outcome {
        .failure(reason, requestID: request, requestDigest: body)
    }
}

extension AccountPool {
    /// Leases and reports at once; the id of the account that served.
    func serve(
        _ model: String = "m",
        _ outcome: Outcome = .success,
        preferring: String? = nil,
        excluding: Set<String> = []
    ) async throws -> String {
        let lease = try await lease(model: model, preferring: preferring, excluding: excluding)
        try await reportAndWait(lease, outcome)
        return lease.account.id
    }
}

/// The p50 and p99 of some figures.
func percentiles(_ figures: [Double]) -> (median: Double, high: Double) {
    let sorted = figures.sorted()
    return (sorted[sorted.count / 2], sorted[sorted.count * 99 / 100])
}
