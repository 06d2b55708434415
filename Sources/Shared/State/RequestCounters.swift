package import Core
package import EventLoop
package import Redis

/// Counts the cluster's requests by hour, provider, model and class of status in `millrace:{stats}:requests:<yyyymmddhh>`.
///
/// Counting only adds to memory; what has gathered goes to Redis in one script call at most every `interval`. A batch
/// whose answer is missing is sent again under the same number and counted once. While Redis is away everything is kept
/// and merged, within bounds.
@LoopActor
package final class RequestCounters {
    package struct Options: Sendable {
        package var interval = Duration.milliseconds(100)
        /// How long to wait before a batch that did not get through is sent again.
        package var retryInterval = Duration.seconds(1)
        /// How many different series an hour may have; more of them are counted under the model `other`.
        package var seriesLimit = 512
        /// How many hours are kept while Redis is away.
        package var hourLimit = 48
        /// How long Redis keeps an hour.
        package var retention = Duration.seconds(40 * 86_400)

        package init() {}
    }

    private let redis: RedisClient
    private let options: Options
    private let log: Log
    /// Seconds since 1970.
    private let now: @LoopActor () -> Int
    private var pending: RequestTally
    private var timer: LoopTimer?
    private var isScheduled = false
    private var batch: RequestTally.Batch?
    /// The one task that sends; this object owns it and starts no second one.
    private var sending: Task<Void, Never>?
    /// Tells this worker's batches from those of others and of its own former lives.
    private let workerKey = "millrace:{stats}:batch:" + String(UInt64.random(in: .min ... .max), radix: 36)

    package init(
        redis: RedisClient,
        options: Options = Options(),
        log: Log,
        now: @escaping @LoopActor () -> Int
    ) {
        self.redis = redis
        self.options = options
        self.log = log
        self.now = now
        pending = RequestTally(seriesLimit: options.seriesLimit, hourLimit: options.hourLimit)
        timer = LoopTimer { [weak self] in
            self?.isScheduled = false
            self?.flush()
        }
    }

    /// Counts one request; `status` is what its client got.
    package func count(provider: String, model: String, status: Int) {
        pending.add(provider: provider, model: model, status: status, at: now())
        flushLater(options.interval)
    }

    /// Starts sending what has gathered.
    package func flush() {
        guard sending == nil else { return }
        sending = Task { @LoopActor in
            await send()
            sending = nil
        }
    }

    /// Sends everything and waits until it has arrived, or until Redis does not take it. For the end of the process.
    package func drain() async {
        // What is under way may have begun before the last counts came in.
        await sending?.value
        flush()
        await sending?.value
    }

    package func close() {
        timer?.close()
    }

    private func flushLater(_ delay: Duration) {
        guard !isScheduled else { return }
        isScheduled = true
        timer?.schedule(after: delay)
    }

    private func send() async {
        while let next = batch ?? pending.takeBatch() {
            batch = next
            do throws(RedisError) {
                _ = try await redis.evaluate(
                    StateScripts.countRequests,
                    keys: [.text("millrace:{stats}:requests:" + next.hourName), .text(workerKey)],
                    arguments: [.integer(next.number), .integer(Int(options.retention.components.seconds)), 86_400]
                        + next.fields
                )
                batch = nil
            } catch {
                guard error.prefix == "ERR" || error.prefix == "WRONGTYPE" else {
                    flushLater(options.retryInterval)
                    return
                }
                // It would never get through and keep all others waiting.
                log(.error, "request counts lost", LogField("reason", error.message))
                batch = nil
            }
        }
    }
}
