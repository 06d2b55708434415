internal import CCurl
internal import EventLoop

/// The sockets libcurl wants watched.
///
/// Every change of interest costs two system calls, so they are put off: what libcurl wants is noted at once and applied
/// once a turn, and a connection that goes back to the pool simply stays watched for the next request, which finds it
/// so. Only when such a connection becomes readable, which means that the peer closed it, is it let go; libcurl finds
/// out by itself before it uses it again.
@LoopActor
@safe final class SocketTable {
    /// One descriptor; connections are those libcurl opened through our callback and will close through it, the others
    /// are its own (its resolver's) and vanish without a word once libcurl no longer wants them watched.
    @LoopActor
    @safe final class Entry {
        let fd: Int32
        let isConnection: Bool
        /// Whose socket it is.
        fileprivate var shard: Shard?
        fileprivate(set) var wanted: FDWatcher.Events = []
        fileprivate var watcher: FDWatcher?
        fileprivate var isQueued = false
        fileprivate(set) var isClosed = false
        /// Outlives its entries.
        fileprivate unowned(unsafe) let table: SocketTable

        init(fd: Int32, isConnection: Bool, table: SocketTable) {
            self.fd = fd
            self.isConnection = isConnection
            unsafe self.table = table
        }
    }

    private var entries: [Entry?] = []
    private var changed: [Entry] = []
    /// Told of events; it owns this table and outlives it.
    unowned(unsafe) var client: UpstreamClient?

    var hasChanges: Bool { !changed.isEmpty }

    /// A connection's socket was made.
    func opened(_ fd: Int32) {
        place(Entry(fd: fd, isConnection: true, table: self), at: fd)
    }

    /// A connection's socket is about to be closed.
    func closing(_ fd: Int32) {
        guard let entry = entry(fd) else { return }
        remove(entry)
    }

    /// libcurl's `CURL_POLL_` value for a descriptor.
    func setInterest(_ fd: Int32, _ what: Int32, of shard: Shard) {
        guard what != CURL_POLL_REMOVE else {
            guard let entry = entry(fd) else { return }
            entry.wanted = []
            if !entry.isConnection { remove(entry) }
            return
        }
        let entry = self.entry(fd) ?? place(Entry(fd: fd, isConnection: false, table: self), at: fd)
        entry.shard = shard
        entry.wanted = Self.events(what)
        queueIfNeeded(entry)
    }

    /// Makes the kernel's view agree with libcurl's; once a turn.
    func flush() {
        for entry in changed {
            entry.isQueued = false
            guard !entry.isClosed, !entry.wanted.isEmpty else { continue }
            watch(entry)
        }
        changed.removeAll(keepingCapacity: true)
    }

    func closeAll() {
        for case let entry? in entries { remove(entry) }
        changed = []
    }

    private func watch(_ entry: Entry) {
        if entry.watcher == nil {
            // Captures one object only, which needs no context of its own.
            entry.watcher = try? FDWatcher(fd: entry.fd) { [entry] events in unsafe entry.table.fired(entry, events) }
        }
        entry.watcher?.watch(entry.wanted)
    }

    private func fired(_ entry: Entry, _ events: FDWatcher.Events) {
        // libuv stops a watcher that reports an error; saying so keeps its notion of what is watched true.
        if events.contains(.failed) { entry.watcher?.watch([]) }
        guard !entry.wanted.isEmpty else {
            entry.watcher?.watch([])
            return
        }
        // The two libraries agree on the bits for readable and writable.
        var bits = events.rawValue & (CURL_CSELECT_IN | CURL_CSELECT_OUT)
        if events.contains(.failed) { bits |= CURL_CSELECT_ERR }
        if let shard = entry.shard { unsafe client?.socketReady(shard, entry.fd, bits) }
        if !entry.isClosed, !entry.wanted.isEmpty { queueIfNeeded(entry) }
    }

    private func queueIfNeeded(_ entry: Entry) {
        guard !entry.isQueued else { return }
        if let watcher = entry.watcher, watcher.watched == entry.wanted { return }
        entry.isQueued = true
        changed.append(entry)
    }

    private func entry(_ fd: Int32) -> Entry? {
        Int(fd) < entries.count ? entries[Int(fd)] : nil
    }

    @discardableResult
    private func place(_ entry: Entry, at fd: Int32) -> Entry {
        while entries.count <= Int(fd) { entries.append(nil) }
        entries[Int(fd)] = entry
        return entry
    }

    private func remove(_ entry: Entry) {
        entry.isClosed = true
        entry.watcher?.close()
        entry.watcher = nil
        entries[Int(entry.fd)] = nil
    }

    private static func events(_ what: Int32) -> FDWatcher.Events {
        switch what {
        case CURL_POLL_IN: .readable
        case CURL_POLL_OUT: .writable
        case CURL_POLL_INOUT: [.readable, .writable]
        default: []
        }
    }
}
