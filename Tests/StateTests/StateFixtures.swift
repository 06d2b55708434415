import Core
import EventLoop
import Redis
import State
import TestSupport
import Testing

/// A worker's view of the shared state: its own connections and memory.
@LoopActor
final class Worker {
    let redis: RedisClient
    let keys: KeyRing

    init(_ server: RedisServer, _ keyOptions: KeyRing.Options = .init()) async throws {
        var options = RedisOptions()
        options.timeout = .seconds(2)
        options.longestBackoff = .milliseconds(50)
        options.breakerThreshold = 3
        redis = RedisClient(address: try #require(RedisAddress(server.unixURL)), options: options, log: .silent)
        let clock = Clock()
        self.clock = clock
        keys = KeyRing(redis: redis, options: keyOptions, now: { clock.time })
        redis.start()
        keys.start()
        await eventually("the worker is connected") { redis.isReady && keys.isListening }
    }

    let clock: Clock

    func close() {
        keys.close()
        redis.close()
    }

    @LoopActor
    final class Clock {
        /// Seconds since 1970, moved by hand.
        var time = 1_800_000_000
    }
}

/// The code of the error `body` throws, if any.
@LoopActor func caughtCode<T>(_ body: @LoopActor () async throws -> T) async -> GatewayError.Code? {
    do {
        _ = try await body()
        return nil
    } catch {
        return (error as? GatewayError)?.code
    }
}
