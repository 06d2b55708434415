package import Core
package import EventLoop
package import Redis

/// The API keys of the cluster, beside the master key.
///
/// Redis holds `millrace:{keys}:<digest>`, a hash for each key, and `millrace:{keys}`, the digests by time of creation.
/// Every change is announced on a channel, so that a key revoked anywhere is refused everywhere at once. While Redis is
/// away, keys seen before are served from memory for a bounded time.
@LoopActor
package final class KeyRing {
    package struct Options: Sendable {
        /// How long a key is served from memory after the worker has lost touch with Redis.
        package var staleTime = Duration.seconds(300)
        /// How long it is remembered that a key does not exist.
        package var absentTime = Duration.seconds(5)
        package var absentLimit = 10_000
        package var presentLimit = 50_000

        package init() {}
    }

    static let list: StaticString = "millrace:{keys}"
    static let prefix = "millrace:{keys}:"
    static let channel = "millrace:keys"

    let redis: RedisClient
    /// Seconds since 1970.
    let now: @LoopActor () -> Int
    var cache: KeyCache
    private var subscription: RedisSubscription?

    package init(redis: RedisClient, options: Options = Options(), now: @escaping @LoopActor () -> Int) {
        self.redis = redis
        self.now = now
        cache = KeyCache(options: options)
    }

    /// Starts listening for changes. Without it every authentication asks Redis.
    package func start() {
        guard subscription == nil else { return }
        subscription = redis.subscribe([Self.channel]) { [weak self] in self?.received($0) }
    }

    package func close() {
        subscription?.close()
        subscription = nil
    }

    /// Whether changes made elsewhere are heard of.
    package var isListening: Bool { subscription?.isLive ?? false }

    /// The record of the key with this digest, nothing when there is none or it must not be used now; throws when
    /// nobody can tell.
    package func authenticate(_ digest: String) async throws(GatewayError) -> KeyRecord? {
        if let record = cache.current(digest) { return usable(record) }
        if cache.isAbsent(digest, at: LoopClock.now) { return nil }
        do throws(RedisError) {
            return usable(try await read(digest))
        } catch {
            guard let record = cache.stale(digest, at: LoopClock.now) else { throw .stateUnavailable(error) }
            return usable(record)
        }
    }

    /// The same for a key that is known without asking Redis; nothing means that `authenticate` must be asked.
    package func known(_ digest: String) -> KeyRecord? {
        usable(cache.current(digest))
    }

    private func usable(_ record: KeyRecord?) -> KeyRecord? {
        guard let record, record.isUsable(at: now()) else { return nil }
        return record
    }

    /// Reads the record and remembers it, unless something changed in between: the answer and the announcement travel on
    /// different connections, and what was read before the change must not outlive it.
    private func read(_ digest: String) async throws(RedisError) -> KeyRecord? {
        var record: KeyRecord?
        for _ in 0..<3 {
            let changes = cache.changes
            let reply = try await redis.command(["HGETALL", .text(Self.prefix + digest)])
            record = KeyRecord(digest: digest, fields: reply.fields)
            if changes == cache.changes {
                cache.store(record, for: digest, isCurrent: isListening, at: LoopClock.now)
                break
            }
        }
        return record
    }

    private func received(_ event: RedisSubscription.Event) {
        switch event {
        case .message(_, let payload): cache.forget(payload.text)
        case .lost: cache.distrustAll(since: subscription?.lastHeard)
        case .established: cache.distrustAll(since: nil)
        }
    }
}
