package import Core
package import HTTPServer
package import Redis
import Upstream

/// What the parts of a worker count themselves.
extension WorkerMetrics {
    func observe(_ upstream: UpstreamClient) {
        addCollector { writer in
            let statistics = upstream.statistics
            writer.begin(.upstreamTransfers)
            writer.sample(statistics.openTransfers)
            writer.begin(.upstreamConnections)
            writer.sample(statistics.openConnections)
            writer.begin(.upstreamMade)
            writer.sample(statistics.connectionsMade)
            writer.begin(.upstreamReused)
            writer.sample(statistics.connectionsReused)
            writer.begin(.upstreamReceived)
            writer.sample(statistics.receivedBytes)
        }
    }

    /// The server is not kept alive by this.
    package func observe(_ server: HTTPServer) {
        addCollector { [weak server] writer in
            guard let server else { return }
            writer.begin(.openConnections)
            writer.sample(server.openConnections)
        }
    }

    package func observe(_ redis: RedisClient) {
        addCollector { writer in
            let statistics = redis.statistics
            writer.begin(.redisUp)
            writer.sample(redis.isReady ? 1 : 0)
            writer.begin(.redisCommands)
            writer.sample(statistics.commands)
            writer.begin(.redisErrors)
            writer.sample(statistics.timeouts, ("kind", "timeout"))
            writer.sample(statistics.rejections, ("kind", "rejected"))
            let others = statistics.errors - statistics.timeouts - statistics.rejections
            writer.sample(max(0, others), ("kind", "other"))
            writer.begin(.redisReconnects)
            writer.sample(statistics.reconnects)
            writer.begin(.redisLatency)
            writer.sample(statistics.latency)
        }
    }
}

/// The figures of one account pool.
package struct PoolFigures {
    package var pool: String
    package var leasesGranted = 0
    package var leasesRefused = 0
    package var openLeases = 0
    package var coolDownsStarted: [FailureClass: Int] = [:]
    /// How many accounts there are by state: ready, cooling, disabled …
    package var accounts: [String: Int] = [:]

    package init(pool: String) {
        self.pool = pool
    }
}

extension MetricsWriter {
    package mutating func write(_ figures: PoolFigures) {
        let pool: (StaticString, String) = ("pool", figures.pool)
        begin(.leases)
        sample(figures.leasesGranted, pool, ("outcome", "granted"))
        sample(figures.leasesRefused, pool, ("outcome", "refused"))
        begin(.openLeases)
        sample(figures.openLeases, pool)
        begin(.coolDowns)
        for (failureClass, count) in figures.coolDownsStarted where failureClass != .none {
            sample(count, pool, ("class", failureClass.rawValue))
        }
        begin(.accounts)
        for (state, count) in figures.accounts { sample(count, pool, ("state", state)) }
    }

    /// How many requests each kind of limit has refused since the start: requests, tokens, concurrency, budget.
    package mutating func write(limitRefusals counts: [String: Int]) {
        begin(.refusals)
        for (kind, count) in counts { sample(count, ("kind", kind)) }
    }
}
