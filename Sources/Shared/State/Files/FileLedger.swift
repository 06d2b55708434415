package import Core
package import EventLoop
internal import JSON
package import Redis

/// Files of answers that only an account can fetch, under names that nobody can guess: who has the name may have the file.
///
/// Redis holds `millrace:{file:<name>}`. Reading fails closed: without Redis nobody knows where a file is.
@LoopActor
package final class FileLedger {
    package struct Entry: Sendable, Equatable {
        package var provider: String
        package var account: String
        package var url: String

        package init(provider: String, account: String, url: String) {
            self.provider = provider
            self.account = account
            self.url = url
        }
    }

    package var lifetime = Duration.seconds(30 * 86_400)
    private let redis: RedisClient

    package init(redis: RedisClient) {
        self.redis = redis
    }

    /// Leaves with whatever else this turn of the loop has for Redis: before the name can reach anybody.
    package func note(_ entry: Entry, name: String) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("provider", entry.provider)
        writer.member("account", entry.account)
        writer.member("url", entry.url)
        writer.endObject()
        let seconds = Int(lifetime.components.seconds)
        redis.send(["SET", .text(Self.key(name)), .bytes(writer.take()), "EX", .integer(seconds)])
    }

    package func find(_ name: String) async throws(GatewayError) -> Entry? {
        do throws(RedisError) {
            guard let bytes = try await redis.command(["GET", .text(Self.key(name))]).bytes,
                let root = (try? JSONDocument(parsing: bytes))?.root,
                let provider = root["provider"]?.string, let account = root["account"]?.string,
                let url = root["url"]?.string
            else { return nil }
            return Entry(provider: provider, account: account, url: url)
        } catch {
            throw .stateUnavailable(error)
        }
    }

    private static func key(_ name: String) -> String { "millrace:{file:\(name)}" }
}
