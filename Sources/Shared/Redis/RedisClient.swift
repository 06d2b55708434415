package import Core
package import EventLoop

/// A client for Redis, on the loop: one server, the master that sentinels name, or a cluster.
///
/// With a cluster it only fronts for `RedisCluster`, which has a client of this kind for each node; the rest of what it
/// holds is then unused.
///
/// All commands of one turn of the loop leave in one write, and answers are matched by order. A command waits at most
/// its deadline, in whatever state the connection is, so nothing here needs cancelling. When Redis fails repeatedly a
/// breaker opens and commands fail at once until a probe is answered.
///
/// Whoever makes a client closes it, at the latest when letting go of it on the loop.
@safe @LoopActor
package final class RedisClient {
    package let address: RedisAddress
    let options: RedisOptions
    /// How long a command may take whose caller does not say.
    package var timeout: Duration { options.timeout }
    let log: Log
    /// The usual time-out in nanoseconds, since arithmetic on `Duration` is slow.
    private let usualTimeout: UInt64
    var counts = RedisStatistics()

    var link: RedisLink?
    private(set) var sentinels: RedisSentinels?
    private(set) var cluster: RedisCluster?
    /// Hears that the connection was lost or that the breaker has opened; for the cluster this is a node of.
    var onTrouble: (@LoopActor () -> Void)?
    var breaker: CircuitBreaker
    var probeBackoff: Backoff
    var random = SystemRandomNumberGenerator()
    /// Fires at the earliest deadline there was when it was set; an answer in time does not move it.
    var deadlineTimer: LoopTimer?
    var nextDeadline = Instant.distantFuture
    var probeTimer: LoopTimer?
    var inFlight = RingQueue<PendingCommand>(minimumCapacity: 64)
    var unsent = RingQueue<UnsentCommand>()
    var unsentBytes = 0
    var isClosed = false
    private var hasConnected = false
    /// The digest of each script Redis has loaded once; they depend on the text alone, so they outlive connections.
    var digests: [String: [UInt8]] = [:]
    /// The scripts whose loading is on its way.
    var loading: Set<String> = []

    package init(address: RedisAddress, options: RedisOptions = RedisOptions(), log: Log) {
        self.address = address
        self.options = options
        self.log = log
        usualTimeout = UInt64(max(0, options.timeout.nanoseconds))
        breaker = CircuitBreaker(threshold: options.breakerThreshold)
        probeBackoff = Backoff(from: options.shortestBackoff, to: options.longestBackoff)
        // Unowned: `close` silences all three. A weak reference would slow down each retain and release of the client.
        deadlineTimer = LoopTimer { [unowned self] in deadlineReached() }
        probeTimer = LoopTimer { [unowned self] in sendProbe() }
        switch address.topology {
        case .server: break
        case .sentinel(let master):
            sentinels = RedisSentinels(address, master: master, options: options, log: log)
        case .cluster:
            cluster = RedisCluster(address, options: options, log: log)
            return
        }
        link = RedisLink(to: address, through: sentinels, options: options, log: log) { [unowned self] in received($0) }
    }

    /// Whether a command issued now would be sent now, whatever its key.
    package var isReady: Bool { cluster?.isReady ?? (!breaker.isOpen && link?.connection != nil) }

    /// Commands accepted and not settled yet.
    package var pendingCount: Int { cluster?.pendingCount ?? (inFlight.count + unsent.count) }

    /// Shared by all subscriptions, which keep it.
    weak var listener: RedisListener?

    /// Who says where to connect, if that is not written in the address.
    var locator: (any RedisLocator)? { if let sentinels { sentinels } else { cluster } }

    package var statistics: RedisStatistics { cluster?.statistics ?? counts }

    package func start() {
        sentinels?.start()
        cluster?.start()
        link?.start()
    }

    /// Fails everything that is pending and ends the connection for good.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        link?.close()
        sentinels?.close()
        cluster?.close()
        deadlineTimer?.close()
        probeTimer?.close()
        let error = RedisError(.closed, "the client is closed", mayHaveRun: true)
        while let command = inFlight.popFirst() { settle(command.waiter, .failure(error)) }
        failUnsent(RedisError(.closed, "the client is closed"))
    }

    isolated deinit { close() }

    /// Runs one command; Redis' own errors are thrown like all others.
    package func command(
        _ arguments: [RedisArgument],
        timeout: Duration? = nil
    ) async throws(RedisError) -> RedisReply {
        if let cluster { return try await cluster.run(.command(arguments), timeout).get() }
        if let refusal = refusal() { throw refusal }
        let result: Result<RedisReply, RedisError> = await unsafe withUnsafeContinuation { continuation in
            submit(
                arguments,
                unsafe .task(continuation),
                timeout.map { UInt64(max(0, $0.nanoseconds)) } ?? usualTimeout
            )
        }
        return try result.get()
    }

    /// The same without a task: `completion` is called exactly once, before this returns when the command is refused.
    /// After a time-out `late` is called with the answer, should it come after all.
    package func command(
        _ arguments: [RedisArgument],
        timeout: Duration? = nil,
        late: (@LoopActor (RedisReply) -> Void)? = nil,
        completion: @escaping @LoopActor (Result<RedisReply, RedisError>) -> Void
    ) {
        if let cluster { return cluster.run(.command(arguments), timeout, late: late, completion) }
        if let refusal = refusal() { return completion(.failure(refusal)) }
        submit(
            arguments,
            late.map { .follower(AnswerFollower(completion, late: $0)) } ?? .callback(completion),
            timeout.map { UInt64(max(0, $0.nanoseconds)) } ?? usualTimeout
        )
    }

    /// Sends a command whose answer nobody needs; failures only count in the statistics.
    package func send(_ arguments: [RedisArgument]) {
        if let cluster { return cluster.run(.command(arguments), nil, { _ in }) }
        guard refusal() == nil else { return }
        submit(arguments, .nobody, usualTimeout)
    }

    /// Sends `ASKING`, which lets the one command that follows it on the connection into a slot that is on its way
    /// here.
    func sendAsking(_ timeout: Duration) {
        guard refusal() == nil else { return }
        submit(["ASKING"], .nobody, UInt64(max(0, timeout.nanoseconds)))
    }

    /// Why a command cannot be accepted now.
    private func refusal() -> RedisError? {
        let error: RedisError
        if isClosed {
            error = RedisError(.closed, "the client is closed")
        } else if breaker.isOpen {
            error = RedisError(.unavailable, "redis does not answer")
        } else if pendingCount >= options.queueLimit {
            error = RedisError(.overloaded, "too many commands are waiting")
        } else if unsentBytes + (link?.connection?.unsentBytes ?? 0) >= options.queueBytes {
            error = RedisError(.overloaded, "too many bytes are waiting")
        } else {
            return nil
        }
        counts.errors += 1
        counts.rejections += 1
        return error
    }

    private func submit(_ arguments: [RedisArgument], _ waiter: PendingCommand.Waiter, _ timeout: UInt64) {
        let now = LoopClock.now
        let command = PendingCommand(
            waiter: waiter,
            started: now,
            deadline: Instant(nanoseconds: now.nanoseconds &+ timeout)
        )
        counts.commands += 1
        if let connection = link?.connection {
            connection.send(arguments)
            inFlight.append(command)
        } else {
            var encoded = ByteBuffer()
            encoded.append(command: arguments)
            unsentBytes += encoded.count
            unsent.append(UnsentCommand(pending: command, bytes: encoded.take()))
        }
        watch(command.deadline, now)
    }

    private func received(_ event: RedisLink.Event) {
        switch event {
        case .reply(let reply): receivedReply(reply)
        case .ready: becameReady()
        case .failed(let error): lostConnection(error)
        }
    }

    private func receivedReply(_ reply: RedisReply) {
        guard let command = inFlight.popFirst() else {
            link?.fail(RedisError(.invalidReply, "an answer nobody asked for"))
            return
        }
        if command.isAbandoned {
            if case .late(let hear) = command.waiter { hear(reply) }
            return
        }
        let now = link?.connection?.lastRead ?? command.started
        counts.latency.add(from: command.started, to: now)
        if case .probe = command.waiter {
            probeAnswered(reply)
            return
        }
        if case .error(let words) = reply {
            receivedRefusal(RedisError(reply: words), command.waiter)
        } else {
            breaker.succeeded()
            settle(command.waiter, .success(reply))
        }
    }

    /// Most errors are the command's own affair; some tell that the server is of no use at present.
    private func receivedRefusal(_ error: RedisError, _ waiter: PendingCommand.Waiter) {
        let condition = error.condition
        settle(waiter, .failure(error))
        if condition?.isUnavailability == true { countFailure() } else { breaker.succeeded() }
        if condition == .readOnly { link?.lostMaster(error) }
    }

    /// Tells the waiting task. It only becomes ready to run here; its code runs after the client is done.
    func settle(_ waiter: PendingCommand.Waiter, _ result: Result<RedisReply, RedisError>) {
        switch waiter {
        case .abandoned, .late, .probe: return
        case .nobody: break
        case .task(let continuation): unsafe continuation.resume(returning: result)
        case .callback(let body): body(result)
        case .follower(let follower): follower.completion(result)
        }
        if case .failure = result { counts.errors += 1 }
    }

    private func becameReady() {
        if hasConnected { counts.reconnects += 1 }
        hasConnected = true
        closeBreaker()
        guard let connection = link?.connection else { return }
        unsentBytes = 0
        while let command = unsent.popFirst() {
            if command.pending.isAbandoned { continue }
            connection.send(encoded: command.bytes)
            inFlight.append(command.pending)
        }
    }

    private func lostConnection(_ error: RedisError) {
        probeTimer?.cancel()
        let lost = RedisError(.connectionLost, error.message, mayHaveRun: true)
        while let command = inFlight.popFirst() { settle(command.waiter, .failure(lost)) }
        countFailure()
        onTrouble?()
    }

    func failUnsent(_ error: RedisError) {
        unsentBytes = 0
        while let command = unsent.popFirst() { settle(command.pending.waiter, .failure(error)) }
    }
}
