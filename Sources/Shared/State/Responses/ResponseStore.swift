package import Core
internal import Crypto
package import EventLoop
package import Redis

/// Answers that a later request may refer to, for whichever worker gets it.
///
/// Redis holds `millrace:{response:<digest>}`, where the digest is of the owner and the answer's id together: an id is of
/// no use to another key. What cannot be kept or found is no guess's business: reading fails closed.
@LoopActor
package final class ResponseStore {
    package struct Options: Sendable {
        /// As long as OpenAI keeps them.
        package var lifetime = Duration.seconds(30 * 86_400)
        /// What is larger cannot be referred to.
        package var largest = 8 << 20

        package init() {}
    }

    private let redis: RedisClient
    private let options: Options

    package init(redis: RedisClient, options: Options = Options()) {
        self.redis = redis
        self.options = options
    }

    /// Says whether it is kept.
    package func keep(_ record: [UInt8], id: String, owner: String) async -> Bool {
        guard record.count <= options.largest else { return false }
        let seconds = Int(options.lifetime.components.seconds)
        do throws(RedisError) {
            _ = try await redis.command(["SET", .text(Self.key(id, owner)), .bytes(record), "EX", .integer(seconds)])
            return true
        } catch {
            return false
        }
    }

    /// Nothing where there is none, or none of this owner.
    package func find(_ id: String, owner: String) async throws(GatewayError) -> [UInt8]? {
        do throws(RedisError) {
            return try await redis.command(["GET", .text(Self.key(id, owner))]).bytes
        } catch {
            throw .stateUnavailable(error)
        }
    }

    /// Says whether there was one.
    package func remove(_ id: String, owner: String) async throws(GatewayError) -> Bool {
        do throws(RedisError) {
            return try await redis.command(["DEL", .text(Self.key(id, owner))]).int == 1
        } catch {
            throw .stateUnavailable(error)
        }
    }

    private static func key(_ id: String, _ owner: String) -> String {
        "millrace:{response:\(SHA256Digest(of: owner + "\n" + id).hex)}"
    }
}
