internal import CCurl
internal import Core
internal import EventLoop

/// One of libcurl's multi handles, with connections and timeouts of its own.
///
/// libcurl walks all connections to a host whenever a transfer to it begins or ends. With 2,000 streams on one multi
/// handle that made a plain request five times as dear, so transfers are spread over several handles of limited size.
@LoopActor
@safe final class Shard {
    private let client: UnownedClient
    /// Its place in the client's list.
    let place: Int
    /// nil while no transfer has needed it for some time: then it has no connections either.
    private var multi: UnsafeMutableRawPointer?
    private let limit: Int
    private(set) var active: [EasyHandle] = []
    /// When the last transfer ended.
    private(set) var idleSince = Instant(nanoseconds: 0)
    /// When libcurl wants to be called without any socket's event.
    private(set) var deadline: Instant?
    private var isDue = false

    init(client: UpstreamClient, place: Int, limit: Int) {
        self.client = UnownedClient(client)
        self.place = place
        self.limit = limit
    }

    isolated deinit { close() }

    var hasRoom: Bool { active.count < limit }
    var isOpen: Bool { unsafe multi != nil }

    func add(_ handle: EasyHandle) {
        let multi = unsafe self.multi ?? open()
        handle.shard = self
        handle.place = active.count
        active.append(handle)
        let code = unsafe curl_multi_add_handle(multi, handle.raw)
        precondition(code == CURLM_OK, "a handle that is in no use can be added")
    }

    /// Takes a handle out of libcurl's hands, whatever its state.
    func remove(_ handle: EasyHandle) {
        guard let multi = unsafe multi else { return }
        unsafe curl_multi_remove_handle(multi, handle.raw)
        // The last one moves to its place.
        let last = active.removeLast()
        if last !== handle {
            active[handle.place] = last
            last.place = handle.place
        }
        if active.isEmpty { idleSince = LoopClock.turn }
    }

    /// Closes all connections; there must be no transfers.
    func close() {
        guard let closing = unsafe multi else { return }
        unsafe multi = nil
        isDue = false
        deadline = nil
        unsafe curl_multi_cleanup(closing)
    }

    /// Whether libcurl wants to be called, which is then expected to happen.
    func takeDue(at now: Instant) -> Bool {
        if let deadline, deadline <= now {
            self.deadline = nil
            return true
        }
        defer { isDue = false }
        return isDue
    }

    /// Lets libcurl work: on a socket that is ready, or on what is due.
    func act(_ fd: Int32, _ events: Int32) {
        guard let multi = unsafe multi else { return }
        var running: Int32 = 0
        unsafe curl_multi_socket_action(multi, fd, events, &running)
        // All others have ended.
        if Int(running) != active.count { collectEnded() }
    }

    /// Makes libcurl send what it holds back for a connection, if any transfer is using that: going on after a pause is
    /// what it sends at once.
    func flush(_ connection: UnsafeRawPointer) {
        for neighbour in active where unsafe neighbour.connection == connection {
            guard neighbour.transfer?.isHeldByLibrary == false else { continue }
            unsafe client.object.pause(neighbour.raw, true)
            unsafe client.object.pause(neighbour.raw, false)
            return
        }
    }

    fileprivate func setTimeout(milliseconds: Int) {
        deadline = milliseconds > 0 ? LoopClock.now.advanced(by: .milliseconds(milliseconds)) : nil
        isDue = milliseconds == 0
        client.object.clock.deadlineMoved()
        if isDue { client.object.clock.wakeUp() }
    }

    fileprivate func setInterest(_ fd: Int32, _ what: Int32) {
        client.object.sockets.setInterest(fd, what, of: self)
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
            client.object.ended(unsafe Unmanaged<EasyHandle>.fromOpaque(owner).takeUnretainedValue(), code)
        }
    }

    private func open() -> UnsafeMutableRawPointer {
        guard let made = unsafe curl_multi_init() else { preconditionFailure("libcurl is out of memory") }
        unsafe multi = made
        // Unretained: the client keeps its shards, and `close()` ends the multi handle before this object goes away.
        let this = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe ccurl_multi_setopt_pointer(made, CURLMOPT_SOCKETDATA, this)
        unsafe ccurl_multi_setopt_pointer(made, CURLMOPT_TIMERDATA, this)
        unsafe ccurl_multi_setopt_socket(made, socketInterestChanged)
        unsafe ccurl_multi_setopt_timer(made, timeoutChanged)
        unsafe ccurl_multi_setopt_long(made, CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX))
        // Left alone, libcurl would shrink the pool with the number of transfers and close connections at every lull.
        unsafe ccurl_multi_setopt_long(made, CURLMOPT_MAXCONNECTS, limit)
        return unsafe made
    }
}

/// The client that owns a shard and outlives it.
@LoopActor
@safe private struct UnownedClient {
    unowned(unsafe) private let client: UpstreamClient

    init(_ client: UpstreamClient) { unsafe self.client = client }

    var object: UpstreamClient { unsafe client }
}

// MARK: Callbacks from libcurl

private func shard(_ data: UnsafeMutableRawPointer) -> Shard {
    unsafe Unmanaged<Shard>.fromOpaque(data).takeUnretainedValue()
}

private func socketInterestChanged(
    _ easy: UnsafeMutableRawPointer?,
    _ fd: Int32,
    _ what: Int32,
    _ data: UnsafeMutableRawPointer?,
    _ socketData: UnsafeMutableRawPointer?
) -> Int32 {
    guard let data = unsafe data else { return 0 }
    let shard = unsafe shard(data)
    onLoop { shard.setInterest(fd, what) }
    return 0
}

private func timeoutChanged(
    _ multi: UnsafeMutableRawPointer?,
    _ milliseconds: Int,
    _ data: UnsafeMutableRawPointer?
) -> Int32 {
    guard let data = unsafe data else { return 0 }
    let shard = unsafe shard(data)
    onLoop { shard.setTimeout(milliseconds: milliseconds) }
    return 0
}
