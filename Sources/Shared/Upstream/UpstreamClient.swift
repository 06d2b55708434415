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
    var buffers = ReceiveBufferPool()

    private var multi: UnsafeMutableRawPointer?
    private let share: UnsafeMutableRawPointer?
    private var active: [EasyHandle] = []
    private var idle: [EasyHandle] = []
    private var dirty: [Transfer] = []
    private var hook: EndOfTurn?
    private var isDelivering = false

    /// Rounds of expired timeouts in one turn before sockets get their chance again.
    private static let timeoutRounds = 8
    /// Idle handles cost about as much memory as a silent stream.
    private static let idleHandles = 256

    package init(options: UpstreamOptions = UpstreamOptions()) {
        CurlLibrary.start()
        self.options = options
        unsafe multi = curl_multi_init()
        unsafe share = curl_share_init()
        configure()
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
        guard let multi = unsafe multi else {
            transfer.fail(TransferFailure(.other, "the client is closed", sentRequest: false))
            return transfer
        }
        let handle = unsafe idle.popLast() ?? EasyHandle(client: self, options: options, share: share)
        if let failure = handle.load(request) {
            idle.append(handle)
            transfer.fail(failure)
            return transfer
        }
        transfer.attach(handle)
        let code = unsafe curl_multi_add_handle(multi, handle.raw)
        precondition(code == CURLM_OK, "a handle that is in no use can be added")
        handle.place = active.count
        active.append(handle)
        statistics.startedTransfers += 1
        statistics.openTransfers += 1
        return transfer
    }

    /// Ends every transfer (as failed) and closes every connection.
    package func close() {
        guard let closing = unsafe multi else { return }
        let transfers = active.compactMap(\.transfer)
        for transfer in transfers {
            guard let handle = transfer.handle else { continue }
            transfer.fail(TransferFailure(.other, "the client was closed", sentRequest: handle.hasSent))
            release(handle)
        }
        deliver()
        unsafe multi = nil
        idle = []
        unsafe curl_multi_cleanup(closing)
        unsafe curl_share_cleanup(share)
        sockets.closeAll()
    }

    // MARK: Entering libcurl

    func pause(_ easy: UnsafeMutableRawPointer, _ isPaused: Bool) {
        unsafe curl_easy_pause(easy, isPaused ? CURLPAUSE_RECV : CURLPAUSE_CONT)
    }

    /// Takes a handle out of libcurl's hands, whatever its state, and keeps it for the next request.
    func release(_ handle: EasyHandle) {
        guard let multi = unsafe multi else { return }
        unsafe curl_multi_remove_handle(multi, handle.raw)
        forget(handle)
        handle.detach()
        statistics.openTransfers -= 1
        if idle.count < Self.idleHandles { idle.append(handle) }
    }

    func socketReady(_ fd: Int32, _ events: Int32) {
        clock.isTurning = true
        // libcurl reads until nothing is left, so a small read buffer splits no turn in two.
        act(fd, events)
        deliver()
        clock.isTurning = false
    }

    fileprivate func endTurn() {
        guard clock.isDue || sockets.hasChanges || clock.needsArming else { return }
        clock.isTurning = true
        var rounds = 0
        while rounds < Self.timeoutRounds, clock.takeDue() {
            act(CURL_SOCKET_TIMEOUT, 0)
            deliver()
            rounds += 1
        }
        clock.isTurning = false
        sockets.flush()
        clock.rearm()
    }

    private func act(_ fd: Int32, _ events: Int32) {
        guard let multi = unsafe multi else { return }
        var running: Int32 = 0
        unsafe curl_multi_socket_action(multi, fd, events, &running)
        collectEnded()
    }

    private func collectEnded() {
        var left: Int32 = 0
        while let multi = unsafe multi, let message = unsafe curl_multi_info_read(multi, &left) {
            guard unsafe message.pointee.msg == CURLMSG_DONE, let easy = unsafe message.pointee.easy_handle else {
                continue
            }
            let code = unsafe message.pointee.data.result
            var owner: UnsafeMutableRawPointer?
            unsafe ccurl_easy_getinfo_pointer(easy, CURLINFO_PRIVATE, &owner)
            guard let owner = unsafe owner else { continue }
            let handle = unsafe Unmanaged<EasyHandle>.fromOpaque(owner).takeUnretainedValue()
            if let transfer = handle.transfer {
                transfer.ended(code)
                if transfer.timings.isReused, code == CURLE_OK { statistics.connectionsReused += 1 }
            }
            release(handle)
        }
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
        dirty.append(transfer)
        // What a call from outside caused (a resumed transfer, a refused request) must not wait for the next event.
        if !clock.isTurning { clock.wakeUp() }
    }

    private func deliver() {
        // A delegate may close the client; the loop under way then tells the others.
        guard !isDelivering else { return }
        isDelivering = true
        var place = 0
        while place < dirty.count {
            let transfer = dirty[place]
            place += 1
            statistics.receivedBytes += transfer.waitingBytes
            transfer.deliver()
        }
        dirty.removeAll(keepingCapacity: true)
        isDelivering = false
    }

    /// Takes a handle out of the list of active ones; the last one moves to its place.
    private func forget(_ handle: EasyHandle) {
        let last = active.removeLast()
        guard last !== handle else { return }
        active[handle.place] = last
        last.place = handle.place
    }

    private func configure() {
        guard let multi = unsafe multi else { return }
        // Unretained: `close()` ends the multi handle before this object goes away.
        let this = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe ccurl_multi_setopt_pointer(multi, CURLMOPT_SOCKETDATA, this)
        unsafe ccurl_multi_setopt_pointer(multi, CURLMOPT_TIMERDATA, this)
        unsafe ccurl_multi_setopt_socket(multi, socketInterestChanged)
        unsafe ccurl_multi_setopt_timer(multi, timeoutChanged)
        unsafe ccurl_multi_setopt_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX))
        unsafe ccurl_multi_setopt_long(multi, CURLMOPT_MAXCONNECTS, options.maxConnections)
        // Sessions live with an easy handle unless they are shared, and ours move from one upstream to the other.
        guard let share = unsafe share else { return }
        unsafe ccurl_share_setopt_long(share, CURLSHOPT_SHARE, Int(CURL_LOCK_DATA_SSL_SESSION.rawValue))
    }
}

/// What the loop's hook, which stays for ever, knows of its client: the client takes itself out when it closes.
@LoopActor
@safe private final class EndOfTurn {
    unowned(unsafe) var client: UpstreamClient?
}

// MARK: Callbacks from libcurl

private func client(_ data: UnsafeMutableRawPointer) -> UpstreamClient {
    unsafe Unmanaged<UpstreamClient>.fromOpaque(data).takeUnretainedValue()
}

private func socketInterestChanged(
    _ easy: UnsafeMutableRawPointer?,
    _ fd: Int32,
    _ what: Int32,
    _ data: UnsafeMutableRawPointer?,
    _ socketData: UnsafeMutableRawPointer?
) -> Int32 {
    guard let data = unsafe data else { return 0 }
    let client = unsafe client(data)
    onLoop { client.sockets.setInterest(fd, what) }
    return 0
}

private func timeoutChanged(
    _ multi: UnsafeMutableRawPointer?,
    _ milliseconds: Int,
    _ data: UnsafeMutableRawPointer?
) -> Int32 {
    guard let data = unsafe data else { return 0 }
    let client = unsafe client(data)
    onLoop { client.clock.set(milliseconds: milliseconds) }
    return 0
}
