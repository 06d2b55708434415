internal import CHiredis
internal import Core
internal import EventLoop
internal import Glibc

/// One connection: hiredis connects and parses, this class decides when to read and write.
///
/// hiredis' own asynchronous layer is left out on purpose. It allocates a callback for each command and, in the version
/// Debian ships, ends the process with an assertion when a server answers what nobody asked; on its plain non-blocking
/// interface there are no callbacks from C at all, so nothing can re-enter and the context may be freed at any time.
///
/// The socket is watched for reading all the time, for writing only while it connects and while the kernel's buffer is
/// full, because each change of interest costs two system calls.
@safe @LoopActor
final class RedisConnection {
    enum Event {
        case opened
        case reply(RedisReply)
        /// The connection is useless; the owner closes it. Comes at most once, and nothing follows.
        case failed(RedisError)
    }

    private let context: UnsafeMutablePointer<redisContext>
    private let replyLimit: Int
    private let onEvent: @LoopActor (Event) -> Void
    private var watcher: FDWatcher?
    private var outgoing = ByteBuffer()
    private var isOpen = false
    private var isClosed = false
    private var willFlush = false
    /// When bytes were last read; saves the owner a look at the clock for each reply.
    private(set) var lastRead = LoopClock.now

    /// hiredis reads so much at a time; a full read means that there is probably more.
    private static let readSize = 16 * 1024
    /// After so many full reads in a row the loop's other sockets get their chance.
    private static let readsPerEvent = 64
    /// Memory beyond this is given back after an unusually long command.
    private static let keptCapacity = 256 * 1024

    /// Starts to connect; `host` names must have been resolved, since hiredis would wait for the resolver.
    init(
        to endpoint: RedisAddress.Endpoint,
        replyLimit: Int,
        _ onEvent: @escaping @LoopActor (Event) -> Void
    ) throws(RedisError) {
        let created =
            switch endpoint {
            case .tcp(let host, let port): unsafe redisConnectNonBlock(host, Int32(port))
            case .unix(let path): unsafe redisConnectUnixNonBlock(path)
            }
        guard let created = unsafe created else { throw RedisError(.connectionLost, "no memory for a connection") }
        unsafe context = created
        if let reader = unsafe created.pointee.reader { unsafe ReplyLimits.apply(to: reader) }
        self.replyLimit = replyLimit
        self.onEvent = onEvent
        // From here on a throw runs `deinit`, which frees the context.
        if unsafe context.pointee.err != 0 { throw contextError() }
        do throws(LoopError) {
            let watcher = try FDWatcher(fd: unsafe context.pointee.fd) { [unowned self] in
                socketIsReady($0)
            }
            watcher.watch([.readable, .writable])
            self.watcher = watcher
        } catch {
            throw RedisError(.connectionLost, error.reason)
        }
    }

    /// Bytes not yet taken by the kernel.
    var unsentBytes: Int { outgoing.count }

    /// Adds a command to what this turn sends.
    func send(_ arguments: [RedisArgument]) {
        outgoing.append(command: arguments)
        flushLater()
    }

    /// Adds commands that are in wire form already.
    func send(encoded bytes: [UInt8]) {
        outgoing.append(bytes)
        flushLater()
    }

    /// Sends at once what has been gathered; the end of the turn calls it.
    func flush() {
        willFlush = false
        guard isOpen, !isClosed, !outgoing.isEmpty else { return }
        let count = unsafe outgoing.withReadableBytes { bytes in
            unsafe Glibc.send(context.pointee.fd, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
        if count < 0, errno != EAGAIN, errno != EINTR {
            fail(RedisError(.connectionLost, Self.describe(errno)))
            return
        }
        outgoing.consume(max(0, count))
        if outgoing.isEmpty, outgoing.capacity > Self.keptCapacity { outgoing.removeAll(keepingCapacity: false) }
        watcher?.watch(outgoing.isEmpty ? .readable : [.readable, .writable])
    }

    /// Reads what is there and reports it. Also for owners who are about to judge the peer as silent: after a long turn
    /// of the loop timers run before sockets are looked at.
    func read() {
        for _ in 0..<Self.readsPerEvent {
            guard isOpen, !isClosed else { return }
            let before = unsafe context.pointee.reader.pointee.len
            guard unsafe redisBufferRead(context) == REDIS_OK else {
                fail(contextError())
                return
            }
            let after = unsafe context.pointee.reader.pointee.len
            guard after > before else { return }
            lastRead = LoopClock.now
            deliverReplies()
            if after - before < Self.readSize { return }
        }
    }

    /// Ends the connection at once; nothing is reported afterwards.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        watcher?.close()
        unsafe redisFree(context)
    }

    isolated deinit { close() }

    private func flushLater() {
        // While the kernel's buffer is full the watcher says when to go on.
        guard !willFlush, isOpen, watcher?.watched != [.readable, .writable] else { return }
        willFlush = true
        TurnFlush.add(self)
    }

    private func socketIsReady(_ events: FDWatcher.Events) {
        guard isOpen else {
            finishConnecting()
            return
        }
        if events.contains(.writable) { flush() }
        if events.contains(.readable) { read() }
        // libuv has stopped watching by itself, so the connection cannot go on even if the read found nothing wrong.
        if events.contains(.failed) { fail(RedisError(.connectionLost, "the socket is in error")) }
    }

    private func finishConnecting() {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        unsafe getsockopt(context.pointee.fd, SOL_SOCKET, SO_ERROR, &code, &length)
        guard code == 0 else {
            fail(RedisError(.connectionLost, Self.describe(code)))
            return
        }
        isOpen = true
        watcher?.watch(.readable)
        onEvent(.opened)
    }

    private func deliverReplies() {
        while !isClosed {
            var found: UnsafeMutableRawPointer?
            guard unsafe redisGetReplyFromReader(context, &found) == REDIS_OK else {
                fail(contextError())
                return
            }
            guard let found = unsafe found else { break }
            let reply = unsafe RedisReply(copying: found.assumingMemoryBound(to: redisReply.self))
            unsafe freeReplyObject(found)
            onEvent(.reply(reply))
        }
        if !isClosed, unsafe context.pointee.reader.pointee.len > replyLimit {
            fail(RedisError(.invalidReply, "the reply is longer than allowed"))
        }
    }

    private func fail(_ error: RedisError) {
        guard !isClosed else { return }
        close()
        onEvent(.failed(error))
    }

    /// What hiredis says about its context, in our terms.
    private func contextError() -> RedisError {
        let words = unsafe withUnsafeBytes(of: &context.pointee.errstr) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        let code = unsafe context.pointee.err
        return RedisError(code == REDIS_ERR_PROTOCOL || code == REDIS_ERR_OOM ? .invalidReply : .connectionLost, words)
    }

    private static func describe(_ code: Int32) -> String {
        guard let words = unsafe strerror(code) else { return "unknown error" }
        return unsafe String(cString: words)
    }
}
