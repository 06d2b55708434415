package import Core
package import EventLoop
package import Redis

/// The cluster's books: usage and cost by hour in hashes, and a log of the latest requests in a stream.
///
/// What one turn of the loop records leaves at its end in one script call, so a worker that is killed loses only that.
/// A call whose answer is missing is repeated under the same number and counted once. While Redis is away entries wait;
/// when there are too many, the oldest lose their row but not their sums.
@LoopActor
package final class Ledger {
    package struct Options: Sendable {
        /// How long Redis keeps an hour.
        package var retention = Duration.seconds(40 * 86_400)
        /// About how many rows the log keeps.
        package var logLength = 100_000
        /// How many different ids an hour has in Redis; what exceeds it is counted as `other`.
        package var keyLimit = 10_000
        package var modelLimit = 512
        package var providerLimit = 128
        package var accountLimit = 10_000
        /// How many entries wait for Redis at most.
        package var rowLimit = 10_000
        /// How many entries one script call writes: Redis does nothing else meanwhile.
        package var batchLimit = 128
        /// How many calls may be without an answer. What comes meanwhile waits for the next one, so that the busier Redis
        /// is, the more entries share a call: sixteen together cost a third of sixteen apart.
        package var window = 2
        /// How many hours and ids an hour are kept apart among the sums of given up rows.
        package var overflowHours = 48
        package var overflowIDs = 512
        /// How long Redis has for a call. Nobody waits for it, and giving up early only causes work.
        package var timeout = Duration.seconds(1)
        /// How long to wait before sending again.
        package var retryInterval = Duration.milliseconds(200)
        /// How many failures the end of the process waits through.
        package var drainAttempts = 5
        /// How long Redis remembers which batch of a worker was the last.
        package var numberRetention = Duration.seconds(86_400)

        package init() {}
    }

    let redis: RedisClient
    let options: Options
    private let log: Log
    private var queue: LedgerQueue
    /// About how many rows the log keeps from the next call on.
    package var logLength: Int

    private var willFlush = false
    private var isClosed = false
    /// Sends again after a failure; nothing is sent before it fires.
    private var retry: LoopTimer?
    private var isWaiting = false
    /// Grows with each failure: the failures of batches sent together count as one.
    private var round = 0
    private var hasWarned = false
    private var drains: [CheckedContinuation<Void, Never>] = []
    private var drainFailures = 0

    package init(redis: RedisClient, options: Options = Options(), log: Log) {
        self.redis = redis
        self.options = options
        self.log = log
        logLength = options.logLength
        // Tells this worker's batches from those of others and of its own former lives.
        let worker = String(UInt64.random(in: .min ... .max), radix: 36)
        queue = LedgerQueue(options: options, workerKey: LedgerBatch.prefix + "batch:" + worker)
        retry = LoopTimer { [unowned self] in
            isWaiting = false
            send()
        }
    }

    isolated deinit { close() }

    /// Rows that the log will never have because Redis was away for too long; their sums are kept.
    package var rowsLost: Int { queue.rowsLost }

    /// Entries that wait for Redis.
    package var waitingRows: Int { queue.waitingRows }

    /// Enters a finished request. It is written at the end of this turn of the loop.
    package func record(_ entry: LedgerEntry) {
        guard !isClosed else { return }
        queue.add(entry)
        if queue.rowsLost > 0, !hasWarned {
            hasWarned = true
            log(.warning, "request log loses rows", LogField("waiting", queue.waitingRows))
        }
        guard !willFlush, !isWaiting else { return }
        willFlush = true
        // Runs when the turn's sockets and tasks are done; what it sends leaves with everything else of the turn.
        Task { @LoopActor in
            willFlush = false
            send()
        }
    }

    /// Sends everything and waits until it has arrived, or until Redis has refused several times. For the end of the
    /// process.
    package func drain() async {
        guard !isClosed, !queue.isEmpty else { return }
        drainFailures = 0
        if isWaiting {
            retry?.cancel()
            isWaiting = false
        }
        await withCheckedContinuation { continuation in
            drains.append(continuation)
            send()
        }
    }

    package func close() {
        guard !isClosed else { return }
        isClosed = true
        retry?.close()
        endDrains()
    }

    private func send() {
        while !isClosed, !isWaiting, let batch = queue.next(logLength: logLength) {
            let (number, round) = (batch.number, round)
            redis.evaluate(
                StateScripts.writeLedger,
                keys: batch.keys,
                arguments: batch.arguments,
                timeout: options.timeout
            ) { self.settled(number, round, $0) }
        }
    }

    private func settled(_ number: Int, _ round: Int, _ result: Result<RedisReply, RedisError>) {
        switch result {
        case .success(let reply):
            let last = reply.int ?? 0
            queue.acknowledge(upTo: last)
            // Redis has seen none of this batch, because an earlier one is missing.
            if last < number, round == self.round { sendAgainLater() }
        case .failure(let error):
            guard round == self.round else { return }
            if error.prefix == "ERR" || error.prefix == "WRONGTYPE" {
                // It would never get through and keep all others waiting.
                let rows = queue.drop(number)?.rows ?? 0
                log(.error, "ledger entries lost", LogField("rows", rows), LogField("reason", error.message))
            } else {
                sendAgainLater()
            }
        }
        if queue.isEmpty {
            hasWarned = false
            endDrains()
        } else {
            send()
        }
    }

    private func sendAgainLater() {
        round += 1
        queue.rewind()
        guard !isClosed else { return }
        isWaiting = true
        retry?.schedule(after: options.retryInterval)
        drainFailures += 1
        if drainFailures >= options.drainAttempts { endDrains() }
    }

    private func endDrains() {
        let waiting = drains
        drains = []
        for continuation in waiting { continuation.resume() }
    }
}
