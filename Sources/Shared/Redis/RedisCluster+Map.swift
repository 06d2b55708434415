internal import Core
internal import EventLoop

/// Which nodes there are and who serves what: asked at the start, whenever a node says "moved" or fails, and again and
/// again while something is wrong.
extension RedisCluster {
    /// A crowd of "moved" answers asks once in this time.
    private static let refreshInterval = Duration.milliseconds(100)
    /// How long one node may take to tell the map, the connection included.
    private static let patience = Duration.milliseconds(250)
    /// A node that is not part of the cluster (a slot's next owner, a name in the URL) is kept for so long after use.
    private static let keepTime = Duration.seconds(5)

    /// Any node, best one that works; nothing before the map is here.
    var anyNode: ClusterNode? {
        guard !owners.isEmpty else { return nil }
        let listed = nodes.values.filter(\.isListed)
        let working = listed.filter { !$0.isFailing }
        let choice = working.isEmpty ? listed : working
        rotation &+= 1
        return choice.isEmpty ? nil : choice[rotation % choice.count]
    }

    func node(at endpoint: RedisAddress.Endpoint) -> ClusterNode {
        if let node = nodes[endpoint] { return node }
        let client = RedisClient(address: address.server(at: endpoint), options: options, log: log)
        let node = ClusterNode(endpoint, client)
        nodes[endpoint] = node
        client.onTrouble = { [weak self, weak node] in
            node?.isInTrouble = true
            self?.requestRefresh()
        }
        sweepTimer?.schedule(after: Self.keepTime)
        return node
    }

    func requestRefresh() {
        guard !isClosed else { return }
        if isRefreshing {
            isRefreshDue = true
            return
        }
        guard !isRefreshDue else { return }
        isRefreshDue = true
        let passed = lastRefresh.map { LoopClock.now.nanoseconds &- $0.nanoseconds } ?? .max
        let rest = Self.refreshInterval.nanoseconds - Int64(clamping: passed)
        refreshTimer?.schedule(after: .nanoseconds(max(0, rest)))
    }

    func refresh() {
        guard !isClosed, !isRefreshing else { return }
        isRefreshing = true
        isRefreshDue = false
        // One at a time, owned by `isRefreshing`; it ends by the deadlines of its commands.
        Task { @LoopActor [weak self] in await self?.askForMap() }
    }

    private func askForMap() async {
        var isWell = false
        for endpoint in sources where !isClosed {
            guard let map = await map(from: node(at: endpoint)) else { continue }
            apply(map)
            isWell = true
            break
        }
        isRefreshing = false
        lastRefresh = LoopClock.now
        guard !isClosed else { return }
        if !isWell { countFailure("no node tells who serves what") }
        if !isWell || breaker.isOpen || isIncomplete {
            isRefreshDue = true
            refreshTimer?.schedule(after: Self.refreshInterval + refreshBackoff.next(using: &random))
        } else {
            refreshBackoff.reset()
            guard isRefreshDue else { return }
            isRefreshDue = false
            requestRefresh()
        }
    }

    /// Whom to ask, most promising first: nodes that work, the other ones, those of the URL.
    private var sources: [RedisAddress.Endpoint] {
        let listed = nodes.values.filter(\.isListed).shuffled(using: &random)
        let working = listed.filter { $0.client.isReady }
        let others = listed.filter { !$0.client.isReady && !$0.isFailing }
        let known = (working + others).map(\.endpoint)
        let rest = listed.map(\.endpoint).filter { !known.contains($0) }
        let seeds = address.endpoints.shuffled(using: &random).filter { !known.contains($0) && !rest.contains($0) }
        return known + seeds + rest
    }

    private func map(from node: ClusterNode) async -> ClusterMap? {
        node.client.start()
        node.lastUsed = LoopClock.now
        let patience = max(Self.patience, options.timeout)
        do throws(RedisError) {
            let reply = try await node.client.command(["CLUSTER", "SLOTS"], timeout: patience)
            guard let map = ClusterMap(slots: reply, from: node.endpoint) else { return nil }
            if breaker.isOpen {
                let info = try await node.client.command(["CLUSTER", "INFO"], timeout: patience)
                if info.text?.contains("cluster_state:fail") != true { closeBreaker() }
            }
            return map
        } catch {
            log(
                .debug,
                "redis cluster map not available",
                LogField("address", node.endpoint.description),
                LogField("reason", error.message)
            )
            return nil
        }
    }

    /// Whether a slot has no node, or one that fails: then the map will change.
    private var isIncomplete: Bool {
        owners.contains { $0 == nil } || nodes.values.contains { $0.isListed && $0.isFailing }
    }

    private func apply(_ map: ClusterMap) {
        guard !isClosed else { return }
        for node in nodes.values { node.isListed = false }
        var owners = [ClusterNode?](repeating: nil, count: HashSlot.count)
        for span in map.spans {
            let node = node(at: span.master)
            node.isListed = true
            for slot in span.slots { owners[slot] = node }
        }
        self.owners = owners
        if members != map.members {
            members = map.members
            log(.info, "redis cluster map changed", LogField("nodes", members.count))
            for link in followers.links {
                guard let target = link.target, !members.contains(target) else { continue }
                link.serverMoved("the node is no longer part of the cluster")
            }
        }
        if nodes.values.contains(where: { !$0.isListed }) { sweepTimer?.schedule(after: Self.keepTime) }
        retryParked()
    }

    /// Lets go of nodes that are neither named nor used.
    func sweep() {
        guard !isClosed else { return }
        let now = LoopClock.now
        let strangers = nodes.values.filter { !$0.isListed }
        var isDone = true
        for node in strangers {
            let isIdle = node.client.pendingCount == 0 && node.lastUsed.advanced(by: Self.keepTime) <= now
            if isIdle { forget(node) } else { isDone = false }
        }
        if !isDone { sweepTimer?.schedule(after: Self.keepTime) }
    }

    func countFailure(_ reason: String) {
        guard breaker.failed() else { return }
        log(
            .warning,
            "redis breaker opened",
            LogField("address", address.description),
            LogField("reason", reason)
        )
        failParked(RedisError(.unavailable, "the redis cluster does not serve"))
        requestRefresh()
    }

    private func closeBreaker() {
        guard breaker.probeSucceeded() else { return }
        log(.info, "redis breaker closed", LogField("address", address.description))
    }
}

/// Where subscriptions go: any node passes on what was published on any other.
extension RedisCluster {
    func add(_ link: RedisLink) {
        followers.add(link)
    }

    func locate(_ completion: @escaping @LoopActor (Result<RedisAddress.Endpoint, RedisError>) -> Void) {
        if isClosed { return completion(.failure(RedisError(.closed, "the client is closed"))) }
        let known = members.filter { nodes[$0]?.isFailing != true }
        let choice = known.isEmpty ? address.endpoints : known.sorted { $0.description < $1.description }
        rotation &+= 1
        completion(.success(choice[rotation % choice.count]))
    }
}
