package import Core
internal import Crypto
package import EventLoop
package import Redis

/// How often the administration's password may be tried, over all workers.
///
/// Redis holds `millrace:{admin}:failures:address:<address>` and `…:name:<digest>`, sorted sets of failed tries. Behind a
/// number of failures each further one doubles the time until the next try is heard at all.
@LoopActor
package struct LoginLimits {
    package struct Options: Sendable {
        /// How long a failure counts.
        package var window = Duration.seconds(900)
        package var shortestDelay = Duration.seconds(30)
        package var longestDelay = Duration.seconds(900)
        /// Failures from one address before delays begin.
        package var perAddress = 5
        /// Failures for one user name, from wherever.
        package var perName = 20

        package init() {}
    }

    /// A try that is under way and counts as failed until it is told to have succeeded.
    package struct Attempt: Sendable {
        let id: String
        let address: String
        let name: String
    }

    static let prefix = "millrace:{admin}:failures:"

    private let redis: RedisClient
    private let options: Options

    package init(redis: RedisClient, options: Options = Options()) {
        self.redis = redis
        self.options = options
    }

    /// Throws 429 when there were too many failures, whatever the password. `address` must be bounded in length.
    package func begin(address: String, name: String) async throws(GatewayError) -> Attempt {
        let id: String
        do throws(CryptoError) {
            id = try SecureRandom.hex(bytes: 8)
        } catch {
            throw GatewayError(.internalError, "No random bytes can be had.")
        }
        let attempt = Attempt(
            id: id,
            address: Self.prefix + "address:" + address,
            // Clients choose names, so the key has their digest.
            name: Self.prefix + "name:" + SHA256Digest(of: name).hex.prefix(16)
        )
        let reply = try await redis.evaluateForState(
            StateScripts.adminAttempt,
            keys: [.text(attempt.address), .text(attempt.name)],
            arguments: [
                .text(id), .integer(Int(options.window.milliseconds)),
                .integer(Int(options.shortestDelay.milliseconds)),
                .integer(Int(options.longestDelay.milliseconds)), .integer(options.perAddress),
                .integer(options.perName),
            ]
        )
        guard let wait = reply.int else { throw GatewayError(.internalError, "The log-in could not be counted.") }
        guard wait == 0 else {
            throw GatewayError(
                .rateLimitExceeded,
                "There were too many failed log-ins. Please wait before the next one.",
                source: .client,
                retryAfter: (wait + 999) / 1000
            )
        }
        return attempt
    }

    /// The password was right: the address starts afresh, and the try does not count against the name. When that cannot
    /// be written the try goes on counting as failed, which harms nobody.
    package func succeeded(_ attempt: Attempt) async {
        do throws(GatewayError) {
            _ = try await redis.evaluateForState(
                StateScripts.adminSuccess,
                keys: [.text(attempt.address), .text(attempt.name)],
                arguments: [.text(attempt.id)]
            )
        } catch {
            return
        }
    }
}
