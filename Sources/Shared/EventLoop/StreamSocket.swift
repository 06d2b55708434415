internal import CUV
package import Core
internal import Glibc

/// What a `StreamSocket` tells its owner. Calls come from the loop, never from inside a call on the socket.
@LoopActor
package protocol StreamSocketDelegate: AnyObject {
    /// Bytes arrived; they are valid during the call only.
    func socketReceived(_ bytes: UnsafeRawBufferPointer)
    /// The peer will send no more.
    func socketReachedEnd()
    /// The connection is of no more use; close it.
    func socketFailed(_ error: LoopError)
    /// Everything that was waiting to be written has been handed to the system.
    func socketDrained()
}

/// A connected TCP or unix-domain socket on the loop.
///
/// Writing tries the system call at once and queues only what does not fit, so that `pendingBytes` is the pressure of a
/// slow reader. All sockets share one read buffer; an idle socket owns no memory for data.
@LoopActor
@safe package final class StreamSocket {
    /// Kept until `close()`. A weak reference would slow down each retain and release of the delegate.
    package var delegate: (any StreamSocketDelegate)?
    /// Bytes accepted by `write` that the system has not taken yet.
    package var pendingBytes: Int {
        isClosed ? 0 : queued.count + (isFlushing ? unsafe uv_stream_get_write_queue_size(stream) : 0)
    }
    /// Bytes the system has taken and the peer has not: costs a system call, and is as exact as the system's accounts.
    package var bytesInSystem: Int {
        var fd: uv_os_fd_t = -1
        var count: Int32 = 0
        let handle = unsafe UnsafeMutableRawPointer(stream).assumingMemoryBound(to: uv_handle_t.self)
        guard !isClosed, unsafe uv_fileno(handle, &fd) == 0, unsafe ioctl(fd, UInt(TIOCOUTQ), &count) == 0 else {
            return 0
        }
        return Int(count)
    }

    package private(set) var isClosed = false

    let stream: UnsafeMutablePointer<uv_stream_t>
    private var isReading = false
    private var queued = ByteBuffer()
    private var isFlushing = false

    /// Makes the handle for a connection that a listener is about to accept.
    init(isUnixDomain: Bool) {
        let bytes = unsafe max(MemoryLayout<uv_tcp_t>.size, MemoryLayout<uv_pipe_t>.size)
        let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
        if isUnixDomain {
            unsafe uv_pipe_init(LoopExecutor.shared.loop, raw.assumingMemoryBound(to: uv_pipe_t.self), 0)
        } else {
            unsafe uv_tcp_init(LoopExecutor.shared.loop, raw.assumingMemoryBound(to: uv_tcp_t.self))
        }
        unsafe stream = raw.assumingMemoryBound(to: uv_stream_t.self)
        // Unretained: `close()` clears it before this object goes away.
        unsafe stream.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    }

    package func startReading() {
        guard !isReading, !isClosed else { return }
        isReading = true
        unsafe uv_read_start(
            stream,
            { _, _, buffer in unsafe buffer?.pointee = ReadBuffer.shared },
            { stream, count, buffer in
                guard count != 0, let data = unsafe stream?.pointee.data else { return }
                let socket = unsafe Unmanaged<StreamSocket>.fromOpaque(data).takeUnretainedValue()
                unsafe socket.didRead(count, buffer)
            }
        )
    }

    /// Stops taking bytes off the wire, so that the peer feels the pressure.
    package func stopReading() {
        guard isReading, !isClosed else { return }
        isReading = false
        unsafe uv_read_stop(stream)
    }

    /// Sends `bytes` after everything sent before.
    package func write(_ bytes: UnsafeRawBufferPointer) {
        guard !isClosed, unsafe !bytes.isEmpty else { return }
        if isFlushing || !queued.isEmpty {
            unsafe queued.append(bytes)
            return
        }
        let written = unsafe tryWrite(bytes)
        guard written < bytes.count else { return }
        unsafe queued.append(UnsafeRawBufferPointer(rebasing: bytes[written...]))
        flush()
    }

    package func write(_ buffer: borrowing ByteBuffer) {
        unsafe buffer.withReadableBytes { unsafe write($0) }
    }

    /// Tells the peer that no more will come, once everything queued has been sent. Reading goes on.
    package func endWriting() {
        guard !isClosed else { return }
        let request = UnsafeMutablePointer<uv_shutdown_t>.allocate(capacity: 1)
        let code = unsafe uv_shutdown(request, stream) { request, _ in unsafe request?.deallocate() }
        if code < 0 { unsafe request.deallocate() }
    }

    /// Closes at once; queued bytes are lost.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        delegate = nil
        unsafe closeFreeingMemory(stream)
    }

    /// Turns Nagle's algorithm off: a token must not wait for the acknowledgement of the one before.
    package func disableDelay() {
        guard unsafe stream.pointee.type == UV_TCP else { return }
        unsafe uv_tcp_nodelay(UnsafeMutableRawPointer(stream).assumingMemoryBound(to: uv_tcp_t.self), 1)
    }

    isolated deinit { close() }

    private func didRead(_ count: Int, _ buffer: UnsafePointer<uv_buf_t>?) {
        guard let delegate, !isClosed else { return }
        if count > 0, let base = unsafe buffer?.pointee.base {
            unsafe delegate.socketReceived(UnsafeRawBufferPointer(start: base, count: count))
        } else if count == Int(UV_EOF.rawValue) {
            isReading = false
            unsafe uv_read_stop(stream)
            delegate.socketReachedEnd()
        } else if count < 0 {
            delegate.socketFailed(LoopError(code: Int32(truncatingIfNeeded: count), operation: "read"))
        }
    }

    /// How many bytes the system took right away. Errors count as none: the queued write reports them.
    private func tryWrite(_ bytes: UnsafeRawBufferPointer) -> Int {
        let base = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.assumingMemoryBound(to: CChar.self)
        var buffer = unsafe uv_buf_init(base, UInt32(clamping: bytes.count))
        return unsafe max(0, Int(uv_try_write(stream, &buffer, 1)))
    }

    /// Hands the queue to libuv, one request at a time.
    private func flush() {
        guard !isFlushing, !isClosed, !queued.isEmpty else { return }
        isFlushing = true
        let request = PendingWrite(socket: self, bytes: queued.take())
        unsafe request.start(on: unsafe stream)
    }

    fileprivate func finished(status: Int32) {
        isFlushing = false
        guard !isClosed else { return }
        if status < 0 {
            delegate?.socketFailed(LoopError(code: status, operation: "write"))
        } else if queued.isEmpty {
            delegate?.socketDrained()
        } else {
            flush()
        }
    }
}

/// One queued write: owns its bytes until libuv is done with them, which may be after the socket's close.
@LoopActor
@safe private final class PendingWrite {
    private let socket: StreamSocket
    private let request: UnsafeMutablePointer<uv_write_t>
    private let bytes: UnsafeMutableBufferPointer<CChar>

    init(socket: StreamSocket, bytes: [UInt8]) {
        self.socket = socket
        unsafe request = .allocate(capacity: 1)
        unsafe self.bytes = .allocate(capacity: bytes.count)
        unsafe UnsafeMutableRawBufferPointer(self.bytes).copyBytes(from: bytes)
    }

    func start(on stream: UnsafeMutablePointer<uv_stream_t>) {
        // Retained until the callback, which libuv always makes, with UV_ECANCELED when the handle is closed.
        unsafe request.pointee.data = Unmanaged.passRetained(self).toOpaque()
        var buffer = unsafe uv_buf_init(bytes.baseAddress, UInt32(bytes.count))
        let code = unsafe uv_write(request, stream, &buffer, 1) { request, status in
            guard let data = unsafe request?.pointee.data else { return }
            let write = unsafe Unmanaged<PendingWrite>.fromOpaque(data).takeRetainedValue()
            write.socket.finished(status: status)
        }
        precondition(code == 0, "uv_write fails at once only for a handle that is closed or not connected")
    }

    isolated deinit {
        unsafe request.deallocate()
        unsafe bytes.deallocate()
    }
}

/// The buffer into which every socket of the loop reads: its content is consumed before the next read begins.
private enum ReadBuffer {
    private static let size = 64 * 1024
    nonisolated(unsafe) static let shared = unsafe uv_buf_init(
        UnsafeMutablePointer<CChar>.allocate(capacity: size),
        UInt32(size)
    )
}
