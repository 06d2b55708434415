package import Core
package import EventLoop
package import Redis

/// Finds one worker for what must happen once for the whole cluster, and makes it happen there.
///
/// The lead is a lease in Redis that its owner keeps renewing. A leader that cannot reach Redis stops trusting its lease
/// before it ends there, so there are never two. Each time of leading has a token larger than all before it, for writes
/// that a leader which was suspended must not make any more.
@LoopActor
package final class Leader {
    package struct Options: Sendable {
        package var lease = Duration.seconds(10)
        package var renewal = Duration.seconds(3)
        /// How long Redis has to say whether a job may run, and how long to wait before asking again.
        package var retryInterval = Duration.seconds(1)

        package init() {}
    }

    private let redis: RedisClient
    private let id: String
    private let options: Options
    private let log: Log
    private var jobs: [LeaderJob] = []
    private var timer: LoopTimer?
    private var isStarted = false
    private var lease: (token: Int, end: Instant)?

    private static let keys: [RedisArgument] = ["millrace:{leader}", "millrace:{leader}:token"]

    /// `id` is unique to this worker and this life of it.
    package init(redis: RedisClient, id: String, options: Options = Options(), log: Log) {
        self.redis = redis
        self.id = id
        self.options = options
        self.log = log
        timer = LoopTimer { [unowned self] in renew() }
    }

    isolated deinit { close() }

    /// The token of this time of leading; nothing when another worker leads, or none.
    package var token: Int? {
        guard let lease, LoopClock.now < lease.end else { return nil }
        return lease.token
    }

    package var isLeader: Bool { token != nil }

    /// Has `body` run once in the cluster about every `interval`, also across changes of the leader. A run that takes
    /// longer delays the next. The name is the job's for good.
    package func job(_ name: String, every interval: Duration, _ body: @escaping @LoopActor () async -> Void) {
        let job = LeaderJob(name: name, interval: interval, body: body)
        job.timer = LoopTimer { [unowned self, unowned job] in begin(job) }
        jobs.append(job)
        if isLeader { begin(job) }
    }

    /// Starts to compete for the lead.
    package func start() {
        guard !isStarted else { return }
        isStarted = true
        renew()
    }

    /// Gives the lead up, so that another worker can take it without waiting.
    package func resign() async {
        let wasLeader = isLeader
        close()
        guard wasLeader else { return }
        do throws(RedisError) {
            _ = try await redis.evaluate(
                StateScripts.leaderResign,
                keys: [Self.keys[0]],
                arguments: [.text(id)]
            )
        } catch {
            // The lease ends by itself.
            return
        }
    }

    package func close() {
        isStarted = false
        lease = nil
        timer?.close()
        for job in jobs { job.timer?.close() }
    }

    private func renew() {
        let asked = LoopClock.now
        // Should the answer stay away, the next attempt is due all the same.
        timer?.schedule(after: options.renewal)
        redis.evaluate(
            StateScripts.leaderLease,
            keys: Self.keys,
            arguments: [.text(id), .integer(Int(options.lease.milliseconds))]
        ) { [weak self] in self?.received($0, asked) }
    }

    private func received(_ result: Result<RedisReply, RedisError>, _ asked: Instant) {
        guard isStarted, case .success(let reply) = result, reply.elements.count == 2, let token = reply.elements[0].int
        else { return }
        guard token > 0 else {
            if lease != nil { log(.info, "lead lost") }
            lease = nil
            // The other may be dead: be there when its lease ends.
            if let rest = reply.elements[1].int, rest >= 0 {
                timer?.schedule(after: min(options.renewal, .milliseconds(rest + 1)))
            }
            return
        }
        let isTaken = self.token != token
        // Counted from before Redis was asked, so that it ends here first.
        lease = (token, asked.advanced(by: options.lease))
        guard isTaken else { return }
        log(.info, "lead taken", LogField("token", token))
        for job in jobs { begin(job) }
    }

    /// Asks Redis whether the job is due, and runs it.
    private func begin(_ job: LeaderJob) {
        guard let token, !job.isRunning else { return }
        job.isRunning = true
        redis.evaluate(
            StateScripts.leaderJob,
            keys: Self.keys + ["millrace:{leader}:jobs"],
            arguments: [
                .text(id), .integer(token), .text(job.name), .integer(Int(job.interval.milliseconds)),
                .integer(job.runs),
            ],
            timeout: options.retryInterval
        ) { [weak self] in self?.proceed(job, $0) }
    }

    private func proceed(_ job: LeaderJob, _ answer: Result<RedisReply, RedisError>) {
        job.isRunning = false
        guard isStarted else { return }
        guard case .success(let reply) = answer, let wait = reply.int else {
            job.timer?.schedule(after: options.retryInterval)
            return
        }
        switch wait {
        case 0:
            job.runs += 1
            // The answer may have come late.
            if isLeader { run(job) }
        case 1...: job.timer?.schedule(after: .milliseconds(wait))
        default: lease = nil
        }
    }

    /// The only task of a job: it ends with the body, and the next one begins no earlier. It begins at once: in a turn of
    /// its own, after others that take long, the lead might be over.
    private func run(_ job: LeaderJob) {
        job.isRunning = true
        Task.immediate { @LoopActor in
            await job.body()
            job.isRunning = false
            begin(job)
        }
    }
}
