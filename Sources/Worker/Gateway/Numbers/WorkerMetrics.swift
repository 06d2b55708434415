import Core
package import EventLoop
import Providers

/// What this worker has done, and what its parts say about themselves when asked.
@LoopActor
package final class WorkerMetrics {
    /// Adds series of a part of the worker. Runs at every look at the figures, so it must not wait for anything.
    package typealias Collector = @LoopActor (inout MetricsWriter) -> Void

    /// The label that tells this worker's series from those of the others.
    package let worker: String
    private(set) var requests = RequestNumbers()
    private(set) var queue = Histogram(.waits)
    private(set) var open = 0
    private var openStreams = 0
    private var unreadable = 0
    private var refusals: [String: Int] = [:]
    private let lag = LoopLag()
    private let process = ProcessFigures()
    private var collectors: [Collector] = []

    /// A worker without a name, or with one that cannot be a label, gets one by chance.
    init(worker: String?) {
        if let worker, MetricsSnapshot.isSane(worker: worker) {
            self.worker = worker
        } else {
            self.worker = String(UInt64.random(in: 0...UInt64.max) | 1 << 60, radix: 16)
        }
    }

    /// Lets another part of the worker show its figures from now on.
    package func addCollector(_ collector: @escaping Collector) {
        collectors.append(collector)
    }

    /// Requests and streams under way, for whoever tells the cluster about this worker.
    package var load: (requests: Int, streams: Int) { (open, openStreams) }

    /// A request has reached its handler; its last byte was taken up in the current turn of the loop.
    func requestBegan(at now: Instant) {
        open += 1
        queue.add(from: LoopClock.turn, to: now)
    }

    func streamBegan() { openStreams += 1 }
    func streamEnded() { openStreams -= 1 }

    func refusedUnread() { unreadable += 1 }

    /// A key's limit has stopped a request.
    func limited(_ error: GatewayError) {
        refusals[error.code == .budgetExhausted ? "budget" : error.type, default: 0] += 1
    }

    func attemptFailed(_ candidate: Candidate, _ error: GatewayError) {
        requests.recordFailure(of: candidate.provider.name, error)
    }

    func requestEnded(_ context: RequestContext, status: Int, reason: EndReason, at now: Instant) {
        open -= 1
        requests.record(
            FinishedRequest(
                kind: FinishedRequest.Kind(context.route),
                reason: reason,
                status: status,
                provider: context.candidate?.provider.name,
                model: context.candidate?.model ?? "",
                receivedAt: context.receivedAt,
                firstByteAt: context.firstByteAt,
                endedAt: now,
                chunks: context.chunks,
                upstreamCalls: context.upstreamCalls,
                usage: context.usage,
                cost: context.cost
            )
        )
    }

    /// All figures of this worker as they are now.
    func text() -> MetricsText {
        var writer = MetricsWriter(worker: worker)
        for family in MetricFamily.all { writer.begin(family) }
        requests.write(to: &writer)
        writer.begin(.unreadable)
        writer.sample(unreadable)
        writer.begin(.openRequests)
        writer.sample(open)
        writer.begin(.openStreams)
        writer.sample(openStreams)
        writer.begin(.queue)
        writer.sample(queue)
        writer.begin(.loopLag)
        writer.sample(lag.histogram)
        writer.begin(.loopLagPeak)
        writer.sample(lag.peakSeconds)
        writer.begin(.build)
        writer.sample(1, ("version", BuildVersion.text))
        writer.write(limitRefusals: refusals)
        process.write(to: &writer)
        for collector in collectors { collector(&writer) }
        return writer.text
    }

    /// The figures as other workers take them.
    func snapshot() -> [UInt8] {
        MetricsSnapshot.bytes(text(), worker: worker)
    }
}
