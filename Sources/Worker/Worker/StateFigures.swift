import EventLoop
import Gateway
import State

/// What the shared state adds to the worker's metrics.
@LoopActor
enum StateFigures {
    static func observe(_ pool: AccountPool, in metrics: WorkerMetrics) {
        metrics.addCollector { [weak pool] writer in
            guard let pool else { return }
            var figures = PoolFigures(pool: pool.name)
            let statistics = pool.statistics
            figures.leasesGranted = statistics.leasesGranted
            figures.leasesRefused = statistics.leasesRefused
            figures.openLeases = statistics.inFlight
            figures.coolDownsStarted = statistics.cooldownsStarted
            figures.accounts = pool.counts
            writer.write(figures)
        }
    }
}
