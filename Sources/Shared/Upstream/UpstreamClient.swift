internal import CCurl
internal import Core
package import EventLoop
package import HTTPCodec

/// Sends requests to upstreams over pooled connections: libcurl's multi interface on our loop.
///
/// libcurl is entered from two places only, a socket's event and the end of the turn, and delegates are told what
/// happened after it has returned. So they may call anything here without reentering libcurl.
@LoopActor
@safe package final class UpstreamClient {
    package struct Statistics: Sendable {
        package internal(set) var openTransfers = 0
        package internal(set) var startedTransfers = 0
        package internal(set) var openConnections = 0
        /// Connections opened, those that lost the race between IPv6 and IPv4 included.
        package internal(set) var connectionsMade = 0
        /// Transfers that went over a connection that was there already.
        package internal(set) var connectionsReused = 0
        package internal(set) var receivedBytes = 0
    }

    package internal(set) var statistics = Statistics()
    let options: UpstreamOptions
    let sockets = SocketTable()
    let clock = TimeoutClock()
    let trust: TrustStore
    var buffers = ReceiveBufferPool()

    private var shards: ShardList
    private var destinations = DestinationCache()
    private var headerLists = HeaderListCache()
    private let share: UnsafeMutableRawPointer?
    private var isClosed = false
    private var reaper: LoopTimer?
    private var warmer: LoopTimer?
    private var idle: [EasyHandle] = []
    /// Transfers that have something to tell, each with a reference to the next.
    private var firstDirty: Transfer?
    /// Held by the one before it.
    private unowned(unsafe) var lastDirty: Transfer?
    private var hook: EndOfTurn?
    private var isDelivering = false

    /// Rounds of expired timeouts in one turn before sockets get their chance again.
    private static let timeoutRounds = 8
    /// Idle handles cost about as much memory as a silent stream.
    private static let idleHandles = 256

    package init(options: UpstreamOptions = UpstreamOptions()) {
        CurlLibrary.start()
        self.options = options
        trust = TrustStore(path: options.caFile)
        shards = ShardList(limit: options.transfersPerShard)
        unsafe share = curl_share_init()
        // TLS sessions would live with an easy handle, and names with a shard, if they were not shared.
        if let share = unsafe share {
            for kind in [CURL_LOCK_DATA_SSL_SESSION, CURL_LOCK_DATA_DNS] {
                unsafe ccurl_share_setopt_long(share, CURLSHOPT_SHARE, Int(kind.rawValue))
            }
        }
        // Weak and counted references would make every retain of this object, several for each chunk, a slow one.
        let hook = EndOfTurn()
        unsafe hook.client = self
        self.hook = hook
        unsafe sockets.client = self
        LoopExecutor.shared.atEndOfTurn { unsafe hook.client?.endTurn() }
    }

    isolated deinit {
        close()
        clock.close()
        unsafe hook?.client = nil
    }

    /// Starts a transfer; nothing is reported before the caller's own turn is over. Never fails here: a request that
    /// cannot be sent ends like any other that failed.
    @discardableResult
    package func start(_ request: OutgoingRequest, delegate: any TransferDelegate) -> Transfer {
        let transfer = Transfer(client: self, delegate: delegate)
        guard !isClosed else {
            transfer.fail(TransferFailure(.other, "the client is closed", sentRequest: false))
            return transfer
        }
        let handle = unsafe idle.popLast() ?? EasyHandle(client: self, share: share)
        do {
            let origin = try handle.load(request, &destinations, &headerLists)
            transfer.attach(handle)
            shards.choose(for: origin, of: self).add(handle)
            statistics.startedTransfers += 1
            statistics.openTransfers += 1
        } catch {
            idle.append(handle)
            transfer.fail(error)
        }
        return transfer
    }

    /// Reads the trusted authorities piece by piece in turns of their own, some 40 ms altogether, for which the first
    /// TLS connection would else hold up the loop.
    package func warmUp() {
        guard !isClosed, warmer == nil else { return }
        let timer = LoopTimer { [unowned self] in warmUpFurther() }
        warmer = timer
        timer.schedule(milliseconds: 0)
    }

    /// Ends every transfer (as failed) and closes every connection.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        for handle in shards.active {
            handle.transfer?.fail(TransferFailure(.other, "the client was closed", sentRequest: handle.hasSent))
            release(handle)
        }
        deliver()
        idle = []
        for shard in shards.shards { shard.close() }
        unsafe curl_share_cleanup(share)
        sockets.closeAll()
        destinations.removeAll()
        headerLists.removeAll()
        reaper?.close()
        warmer?.close()
    }

    // MARK: Entering libcurl

    func pause(_ easy: UnsafeMutableRawPointer, _ isPaused: Bool) {
        unsafe curl_easy_pause(easy, isPaused ? CURLPAUSE_RECV : CURLPAUSE_CONT)
    }

    /// Takes a handle out of libcurl's hands, whatever its state, and keeps it for the next request.
    func release(_ handle: EasyHandle) {
        guard let shard = handle.shard else { return }
        shard.remove(handle)
        shards.gotRoom(shard)
        if shard.active.isEmpty { awaitIdleness() }
        if idle.count < Self.idleHandles, !handle.isWorn { idle.append(handle) }
        handle.detach()
        statistics.openTransfers -= 1
    }

    /// The same for a transfer in the middle of its answer. On HTTP/2 libcurl only notes that the peer is to be told of
    /// it and says so with the next thing it has to send there, which may be never.
    func abandon(_ handle: EasyHandle) {
        guard handle.mayShareConnection, let shard = handle.shard, let connection = unsafe handle.connection else {
            release(handle)
            return
        }
        // Alone on its connection, the transfer takes that with it.
        handle.forbidReuse(true)
        release(handle)
        handle.forbidReuse(false)
        unsafe shard.flush(connection)
    }

    func socketReady(_ shard: Shard, _ fd: Int32, _ events: Int32) {
        clock.isTurning = true
        // libcurl reads until nothing is left, so a small read buffer splits no turn in two.
        shard.act(fd, events)
        deliver()
        clock.isTurning = false
    }

    fileprivate func endTurn() {
        guard clock.isDue || sockets.hasChanges || clock.needsArming else { return }
        clock.isTurning = true
        var rounds = 0
        while rounds < Self.timeoutRounds, clock.takeDue() {
            let now = LoopClock.now
            for shard in shards.shards where shard.takeDue(at: now) { shard.act(CURL_SOCKET_TIMEOUT, 0) }
            deliver()
            rounds += 1
        }
        clock.isTurning = false
        sockets.flush()
        clock.rearm(for: shards.earliestDeadline)
    }

    /// libcurl is done with a transfer.
    func ended(_ handle: EasyHandle, _ code: CURLcode) {
        if code == CURLE_OK, let shard = handle.shard, let origin = handle.destination?.origin {
            origin.isMultiplexed = handle.mayShareConnection && handle.isHTTP2
            if !origin.isMultiplexed { origin.ended(in: shard, limit: options.transfersPerShard) }
        }
        if let transfer = handle.transfer {
            transfer.ended(code)
            if transfer.timings.isReused, code == CURLE_OK { statistics.connectionsReused += 1 }
        }
        release(handle)
    }

    // MARK: Connections

    func opened(_ fd: Int32) {
        sockets.opened(fd)
        statistics.connectionsMade += 1
        statistics.openConnections += 1
    }

    func closing(_ fd: Int32) {
        sockets.closing(fd)
        statistics.openConnections -= 1
    }

    // MARK: Telling delegates

    func noteDirty(_ transfer: Transfer) {
        guard !transfer.isDirty else { return }
        transfer.isDirty = true
        if let lastDirty = unsafe lastDirty { lastDirty.nextDirty = transfer } else { firstDirty = transfer }
        unsafe lastDirty = transfer
        // What a call from outside caused (a resumed transfer, a refused request) must not wait for the next event.
        if !clock.isTurning { clock.wakeUp() }
    }

    private func deliver() {
        // A delegate may close the client; the loop under way then tells the others.
        guard !isDelivering else { return }
        isDelivering = true
        while let transfer = firstDirty {
            firstDirty = transfer.nextDirty.take()
            if firstDirty == nil { unsafe lastDirty = nil }
            transfer.deliver()
        }
        isDelivering = false
    }

    // MARK: In the background

    /// Some shard has no transfer any more; later its connections are closed if that is still so.
    private func awaitIdleness() {
        guard reaper == nil, !isClosed else { return }
        let timer = LoopTimer { [unowned self] in closeIdleShards() }
        reaper = timer
        timer.schedule(after: options.shardLife)
    }

    private func closeIdleShards() {
        let life = UInt64(max(0, options.shardLife.milliseconds)) * 1_000_000
        let now = LoopClock.turn.nanoseconds
        if shards.closeIdle(since: Instant(nanoseconds: now > life ? now - life : 0)) {
            reaper?.schedule(after: options.shardLife)
        } else {
            reaper?.close()
            reaper = nil
        }
    }

    private func warmUpFurther() {
        // A certificate takes about a third of a millisecond.
        if trust.read(4) {
            warmer?.schedule(milliseconds: 1)
        } else {
            TrustStore.startTLS()
            warmer?.close()
        }
    }
}

/// What the loop's hook, which stays for ever, knows of its client: the client takes itself out when it closes.
@LoopActor
@safe private final class EndOfTurn {
    unowned(unsafe) var client: UpstreamClient?
}
