internal import Core
internal import EventLoop

/// A cluster as one Redis: each command goes to the node that serves its key's slot, and on to another when that one
/// says so. A command waits at most its deadline, all detours included.
///
/// Each node has a client of its own, with its own connection, queue and breaker. One more breaker is for the cluster
/// as a whole: it opens when no node can say who serves what, or when the nodes themselves call the cluster down, and
/// the refresh of the map is its probe.
@LoopActor
final class RedisCluster: RedisLocator {
    let address: RedisAddress
    let options: RedisOptions
    let log: Log
    private let usualTimeout: UInt64
    private var counts = RedisStatistics()
    private var outstanding = 0

    /// The node that serves each slot; empty until the first map is here.
    var owners: [ClusterNode?] = []
    var nodes: [RedisAddress.Endpoint: ClusterNode] = [:]
    var members: Set<RedisAddress.Endpoint> = []
    var breaker: CircuitBreaker
    var isClosed = false
    var random = SystemRandomNumberGenerator()

    // The refresh of the map.
    var refreshTimer: LoopTimer?
    var refreshBackoff: Backoff
    var isRefreshing = false
    var isRefreshDue = false
    var lastRefresh: Instant?

    /// Lets go of nodes that left the cluster.
    var sweepTimer: LoopTimer?
    var followers = LinkFollowers()
    var rotation = Int.random(in: 0..<1_000)
    private var reconnectsOfOldNodes = 0

    /// Commands that wait for a map or for another try.
    private var parked: [ClusterOrder] = []
    private var parkTimer: LoopTimer?
    private var nextTry = Instant.distantFuture
    private static let retryInterval = Duration.milliseconds(10)
    private static let mostRedirections = 16

    let wantsMaster = false

    init(_ address: RedisAddress, options: RedisOptions, log: Log) {
        self.address = address
        self.options = options
        self.log = log
        usualTimeout = UInt64(max(0, options.timeout.nanoseconds))
        breaker = CircuitBreaker(threshold: options.breakerThreshold)
        refreshBackoff = Backoff(from: options.shortestBackoff, to: options.longestBackoff)
        // Unowned: `close` silences all three.
        refreshTimer = LoopTimer { [unowned self] in refresh() }
        sweepTimer = LoopTimer { [unowned self] in sweep() }
        parkTimer = LoopTimer { [unowned self] in retryParked() }
    }

    var pendingCount: Int { outstanding }

    /// Whether there is a node for every slot, none of which is known to fail.
    var isReady: Bool {
        guard !isClosed, !breaker.isOpen, !owners.isEmpty else { return false }
        return !nodes.values.contains { $0.isListed && $0.isFailing }
    }

    var statistics: RedisStatistics {
        var counts = counts
        counts.reconnects = nodes.values.reduce(reconnectsOfOldNodes) { $0 + $1.client.statistics.reconnects }
        return counts
    }

    func start() {
        requestRefresh()
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        refreshTimer?.close()
        sweepTimer?.close()
        parkTimer?.close()
        for node in nodes.values { node.client.close() }
        failParked(RedisError(.closed, "the client is closed"))
    }

    isolated deinit { close() }

    /// Runs one call; `completion` is called exactly once, perhaps before this returns. After a time-out `late` is called
    /// with the answer, should it come after all.
    func run(
        _ call: RedisCall,
        _ timeout: Duration?,
        late: (@LoopActor (RedisReply) -> Void)? = nil,
        _ completion: @escaping @LoopActor (Result<RedisReply, RedisError>) -> Void
    ) {
        if let refusal = refusal() {
            counts.errors += 1
            counts.rejections += 1
            return completion(.failure(refusal))
        }
        counts.commands += 1
        outstanding += 1
        let now = LoopClock.now
        let span = timeout.map { UInt64(max(0, $0.nanoseconds)) } ?? usualTimeout
        dispatch(ClusterOrder(call, started: now, deadline: now.advanced(nanoseconds: span), late: late, completion))
    }

    func run(_ call: RedisCall, _ timeout: Duration?) async -> Result<RedisReply, RedisError> {
        await unsafe withUnsafeContinuation { continuation in
            run(call, timeout) { unsafe continuation.resume(returning: $0) }
        }
    }

    private func refusal() -> RedisError? {
        if isClosed { return RedisError(.closed, "the client is closed") }
        if breaker.isOpen { return RedisError(.unavailable, "the redis cluster does not serve") }
        if outstanding >= options.queueLimit { return RedisError(.overloaded, "too many commands are waiting") }
        return nil
    }

    private func dispatch(_ order: ClusterOrder) {
        if isClosed { return finish(order, .failure(RedisError(.closed, "the client is closed"))) }
        guard let node = order.slot.map({ owners.isEmpty ? nil : owners[$0] }) ?? anyNode else {
            requestRefresh()
            return park(order)
        }
        send(order, to: node, asking: false)
    }

    private func send(_ order: ClusterOrder, to node: ClusterNode, asking: Bool) {
        let now = LoopClock.now
        guard now < order.deadline else { return expire(order) }
        node.lastUsed = now
        let rest = Duration.nanoseconds(Int64(order.deadline.nanoseconds - now.nanoseconds))
        let source = node.endpoint
        // Without the cluster nobody can send the call on; its owner still hears the answer.
        node.perform(order.call, asking: asking, timeout: rest, late: order.late) { [weak self] result in
            guard let self else { return order.completion(result) }
            answered(order, result, from: source)
        }
    }

    private func answered(
        _ order: ClusterOrder,
        _ result: Result<RedisReply, RedisError>,
        from source: RedisAddress.Endpoint
    ) {
        guard case .failure(let error) = result, let condition = error.condition else {
            if case .success = result, order.slot != nil { breaker.succeeded() }
            return finish(order, result)
        }
        var order = order
        order.redirections += 1
        order.lastError = error
        switch condition {
        case .moved, .ask:
            guard order.redirections <= Self.mostRedirections,
                let redirection = ClusterRedirection(error.message, from: source)
            else { return finish(order, result) }
            let node = node(at: redirection.endpoint)
            if condition == .moved {
                if !owners.isEmpty { owners[redirection.slot] = node }
                requestRefresh()
            }
            send(order, to: node, asking: condition == .ask)
        case .clusterDown, .tryAgain:
            if condition == .clusterDown { requestRefresh() }
            park(order)
        default: finish(order, result)
        }
    }

    private func finish(_ order: ClusterOrder, _ result: Result<RedisReply, RedisError>) {
        outstanding -= 1
        var isAnswer = true
        if case .failure(let error) = result {
            counts.errors += 1
            isAnswer = error.code == .refused
            switch error.code {
            case .timeout: counts.timeouts += 1
            case .unavailable, .overloaded: counts.rejections += 1
            case .closed, .connectionLost, .refused, .invalidReply: break
            }
        }
        if isAnswer { counts.latency.add(from: order.started, to: LoopClock.now) }
        order.completion(result)
    }

    /// The deadline has passed between two tries.
    private func expire(_ order: ClusterOrder) {
        let isDown = order.lastError == nil || order.lastError?.condition == .clusterDown
        finish(order, .failure(order.lastError ?? RedisError(.timeout, "no node within the deadline")))
        if isDown { countFailure("commands are not served") }
    }

    private func park(_ order: ClusterOrder) {
        parked.append(order)
        let now = LoopClock.now
        let due = min(order.deadline, now.advanced(by: Self.retryInterval))
        guard due < nextTry else { return }
        nextTry = due
        parkTimer?.schedule(after: .nanoseconds(Int64(due.nanoseconds - min(now, due).nanoseconds)))
    }

    /// Tries again what waits; after a change of the map at once.
    func retryParked() {
        let waiting = parked
        parked = []
        nextTry = .distantFuture
        let now = LoopClock.now
        for order in waiting {
            if order.deadline <= now { expire(order) } else { dispatch(order) }
        }
    }

    func failParked(_ error: RedisError) {
        let waiting = parked
        parked = []
        for order in waiting { finish(order, .failure(error)) }
    }

    func forget(_ node: ClusterNode) {
        reconnectsOfOldNodes += node.client.statistics.reconnects
        nodes[node.endpoint] = nil
        node.client.close()
    }
}
