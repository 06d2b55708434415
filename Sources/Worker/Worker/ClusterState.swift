import Core
import EventLoop
import Glibc
import Redis
import State

/// The worker's connection to what the cluster shares.
@LoopActor
struct ClusterState {
    let redis: RedisClient
    let keyRing: KeyRing
    let counters: RequestCounters

    /// Nothing when no Redis is configured: then there is the master key alone, and nothing is counted together.
    init?(_ configuration: Configuration, log: Log) throws(UsageError) {
        guard let url = configuration.redisURL else { return nil }
        guard let address = RedisAddress(url) else {
            throw UsageError(message: "REDIS_URL must be redis://…, unix://…, redis+sentinel://… or redis+cluster://…")
        }
        var options = RedisOptions()
        options.timeout = configuration.redisTimeout
        redis = RedisClient(address: address, options: options, log: log)
        keyRing = KeyRing(redis: redis, now: { time(nil) })
        counters = RequestCounters(redis: redis, log: log, now: { time(nil) })
    }

    func start() {
        redis.start()
        keyRing.start()
    }

    /// Sends what has been counted, then hangs up.
    func close() async {
        await counters.drain()
        counters.close()
        keyRing.close()
        redis.close()
    }
}
