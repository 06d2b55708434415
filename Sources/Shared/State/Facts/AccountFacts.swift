package import Core
package import EventLoop
package import Redis

/// What providers remember of an account for the whole cluster: a device's id, a session's token, what it may still do.
///
/// Redis holds `millrace:{facts:<pool>:<account>}:<name>`, sealed as credentials are, and `…:claim` where one worker at a
/// time may do something. All of it fails closed: a token that was renewed and not written down is lost.
@LoopActor
package final class AccountFacts {
    private let redis: RedisClient
    private let vault: Vault?
    private let me = String(UInt64.random(in: 1 << 35..<1 << 40), radix: 36)
    private var count = 0
    private var claims: [String: String] = [:]

    package init(redis: RedisClient, vault: Vault?) {
        self.redis = redis
        self.vault = vault
    }

    /// Nothing where there is none, no longer, or none that can be read.
    package func recall(_ name: String, pool: String, account: String) async throws(GatewayError) -> [UInt8]? {
        let key = Self.key(name, pool, account)
        do throws(RedisError) {
            guard let sealed = try await redis.command(["GET", .text(key)]).text else { return nil }
            guard let vault, let plain = try? vault.open(sealed, context: key).plain else { return nil }
            return Array(plain.utf8)
        } catch {
            throw .stateUnavailable(error)
        }
    }

    /// Known to all workers when this returns.
    package func remember(
        _ name: String,
        _ value: [UInt8],
        for seconds: Int,
        pool: String,
        account: String
    ) async throws(GatewayError) {
        let key = Self.key(name, pool, account)
        guard let vault, let sealed = try? vault.seal(String(decoding: value, as: UTF8.self), context: key) else {
            throw GatewayError(.stateUnavailable, "Nothing can be sealed here.", cause: "MILLRACE_SECRET")
        }
        do throws(RedisError) {
            _ = try await redis.command(["SET", .text(key), .text(sealed), "EX", .integer(max(1, seconds))])
        } catch {
            throw .stateUnavailable(error)
        }
    }

    package func forget(_ name: String, pool: String, account: String) async throws(GatewayError) {
        do throws(RedisError) {
            _ = try await redis.command(["DEL", .text(Self.key(name, pool, account))])
        } catch {
            throw .stateUnavailable(error)
        }
    }

    /// False while somebody else has the claim.
    package func claim(
        _ name: String,
        for seconds: Int,
        pool: String,
        account: String
    ) async throws(GatewayError) -> Bool {
        let key = Self.key(name, pool, account) + ":claim"
        count += 1
        let mine = "\(me)-\(count)"
        do throws(RedisError) {
            let reply = try await redis.command([
                "SET", .text(key), .text(mine), "NX", "EX", .integer(max(1, seconds)),
            ])
            if reply.isNull { return false }
            claims[key] = mine
            return true
        } catch {
            throw .stateUnavailable(error)
        }
    }

    package func release(_ name: String, pool: String, account: String) async {
        let key = Self.key(name, pool, account) + ":claim"
        guard let mine = claims.removeValue(forKey: key) else { return }
        _ = try? await redis.evaluateForState(StateScripts.releaseFact, keys: [.text(key)], arguments: [.text(mine)])
    }

    private static func key(_ name: String, _ pool: String, _ account: String) -> String {
        "millrace:{facts:\(pool):\(account)}:\(name)"
    }
}

extension StateScripts {
    static let releaseFact = RedisScript("fact-release", source: PackageResources.fact_release_lua)
}
