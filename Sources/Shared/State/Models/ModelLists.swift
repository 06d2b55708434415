package import Core
package import EventLoop
package import Redis

/// What the upstreams say they have, asked by one worker and read by all.
///
/// Redis holds `millrace:{models}`, a hash with each provider's list in JSON of the reader's choosing, and a version that
/// says whether there is anything new.
@LoopActor
package final class ModelLists {
    private static let key: RedisArgument = "millrace:{models}"
    /// Lists of upstreams that nobody asks any more go with the hash.
    private static let lifetime = 7 * 86_400

    private let redis: RedisClient
    private var version = ""

    package init(redis: RedisClient) {
        self.redis = redis
    }

    package func write(_ list: [UInt8], of provider: String) async throws(GatewayError) {
        _ = try await redis.evaluateForState(
            StateScripts.writeModels,
            keys: [Self.key],
            arguments: [.text(provider), .bytes(list), .integer(Self.lifetime)]
        )
    }

    /// The lists by provider; nothing when they are what they were at the last reading.
    package func news() async throws(GatewayError) -> [String: [UInt8]]? {
        let reply = try await redis.evaluateForState(
            StateScripts.readModels,
            keys: [Self.key],
            arguments: [.text(version)]
        )
        guard !reply.isNull else { return nil }
        let elements = reply.elements
        var lists: [String: [UInt8]] = [:]
        for place in stride(from: 0, to: elements.count - 1, by: 2) {
            guard let name = elements[place].text, let list = elements[place + 1].bytes else { continue }
            if name == ":version" { version = String(decoding: list, as: UTF8.self) } else { lists[name] = list }
        }
        return lists
    }
}

extension StateScripts {
    static let writeModels = RedisScript("models-write", source: PackageResources.models_write_lua)
    static let readModels = RedisScript("models-read", source: PackageResources.models_read_lua)
}
