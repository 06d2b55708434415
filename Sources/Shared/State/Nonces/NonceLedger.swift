package import Core
internal import Crypto
package import EventLoop
package import Redis

/// Gives out values that nobody in the cluster has had before within their scope, for signatures that must not repeat.
///
/// Redis decides, so without it there is none: a nonce used twice can cost the account.
@LoopActor
package final class NonceLedger {
    /// So many values in a row that exist already are not chance.
    private static let attempts = 8

    private let redis: RedisClient
    private let makeValue: @LoopActor () throws(CryptoError) -> String

    package convenience init(redis: RedisClient) {
        self.init(redis: redis) { () throws(CryptoError) in try SecureRandom.hex(bytes: 16) }
    }

    init(redis: RedisClient, makeValue: @escaping @LoopActor () throws(CryptoError) -> String) {
        self.redis = redis
        self.makeValue = makeValue
    }

    /// A value of 32 hexadecimal digits that is used here first and by no one else for `ttl`.
    package func claim(scope: String, ttl: Duration = .seconds(600)) async throws(GatewayError) -> String {
        for _ in 0..<Self.attempts {
            let value = try random()
            // After an answer that is missing another value is tried by whoever retries, so a nonce may be wasted but
            // never used twice.
            do throws(RedisError) {
                let reply = try await redis.command([
                    "SET", .text("millrace:{nonce:\(scope)}:\(value)"), "1", "NX", "PX",
                    .integer(Int(max(1, ttl.milliseconds))),
                ])
                if !reply.isNull { return value }
            } catch {
                throw .stateUnavailable(error)
            }
        }
        throw GatewayError(.internalError, "No unused nonce can be found.")
    }

    private func random() throws(GatewayError) -> String {
        do throws(CryptoError) {
            return try makeValue()
        } catch {
            throw GatewayError(.internalError, "No random bytes can be had.")
        }
    }
}
