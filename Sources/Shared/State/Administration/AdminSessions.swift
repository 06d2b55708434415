package import Core
internal import Crypto
package import EventLoop
package import Redis

/// Who is logged in to the administration, for all workers.
///
/// Redis holds `millrace:{admin}:session:<SHA-256 of the token>`; the token itself is with the client alone. A session
/// ends when it is not used for `idleTime`, at the latest after `longestTime`.
@LoopActor
package struct AdminSessions {
    package struct Options: Sendable {
        package var idleTime = Duration.seconds(12 * 3600)
        package var longestTime = Duration.seconds(7 * 86_400)

        package init() {}
    }

    /// A session just begun. This is the only time its token is known.
    package struct Started: Sendable {
        package let token: String
    }

    package struct Session: Sendable {
        package let user: String
        /// Names the password the session was begun with, so that a new one ends it.
        package let fingerprint: String
        /// Seconds since 1970.
        package let started: Int
    }

    static let prefix = "millrace:{admin}:session:"

    private let redis: RedisClient
    private let options: Options

    package init(redis: RedisClient, options: Options = Options()) {
        self.redis = redis
        self.options = options
    }

    package func begin(user: String, fingerprint: String) async throws(GatewayError) -> Started {
        let token = try Self.randomToken()
        _ = try await redis.evaluateForState(
            StateScripts.createAdminSession,
            keys: [.text(Self.key(of: token))],
            arguments: [.integer(Int(options.idleTime.components.seconds)), .text(user), .text(fingerprint)]
        )
        return Started(token: token)
    }

    /// The session this token belongs to, if it still runs; asking counts as use.
    package func find(_ token: String) async throws(GatewayError) -> Session? {
        let reply = try await redis.evaluateForState(
            StateScripts.adminSession,
            keys: [.text(Self.key(of: token))],
            arguments: [
                .integer(Int(options.idleTime.components.seconds)),
                .integer(Int(options.longestTime.components.seconds)),
            ]
        )
        let fields = reply.fields
        guard let user = fields["user"], let fingerprint = fields["fingerprint"] else { return nil }
        return Session(user: user, fingerprint: fingerprint, started: fields["started"].flatMap { Int($0) } ?? 0)
    }

    package func end(_ token: String) async throws(GatewayError) {
        do throws(RedisError) {
            _ = try await redis.command(["DEL", .text(Self.key(of: token))], timeout: .seconds(2))
        } catch {
            throw .stateUnavailable(error)
        }
    }

    private static func key(of token: String) -> String { prefix + SHA256Digest(of: token).hex }

    /// 256 random bits in 43 characters that need no escapes anywhere.
    private static func randomToken() throws(GatewayError) -> String {
        do throws(CryptoError) {
            return Base64.url.encode(try SecureRandom.bytes(32))
        } catch {
            throw GatewayError(.internalError, "No random bytes can be had.")
        }
    }
}

extension RedisClient {
    /// Runs a script for someone who waits at a console: there is more time than a request to a model has.
    func evaluateForState(
        _ script: RedisScript,
        keys: [RedisArgument],
        arguments: [RedisArgument]
    ) async throws(GatewayError) -> RedisReply {
        do throws(RedisError) {
            return try await evaluate(script, keys: keys, arguments: arguments, timeout: .seconds(2))
        } catch {
            throw .stateUnavailable(error)
        }
    }
}
