internal import CUV
internal import Glibc

/// Accepts connections on a TCP address or a unix-domain path.
@LoopActor
@safe package final class StreamListener {
    /// The address in use; a port of 0 is replaced by the one the system chose.
    package private(set) var address: ListenAddress
    private let stream: UnsafeMutablePointer<uv_stream_t>
    private let accept: @LoopActor (StreamSocket) -> Void
    private var isClosed = false

    /// Connections the kernel may complete before they are accepted.
    private static let backlog: Int32 = 4096

    /// Listens at once. `accept` gets every new socket, not yet reading and without a delegate.
    package init(on address: ListenAddress, accept: @escaping @LoopActor (StreamSocket) -> Void) throws(LoopError) {
        self.address = address
        self.accept = accept
        let bytes = unsafe max(MemoryLayout<uv_tcp_t>.size, MemoryLayout<uv_pipe_t>.size)
        let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
        unsafe stream = raw.assumingMemoryBound(to: uv_stream_t.self)
        switch address {
        case .tcp: unsafe uv_tcp_init(LoopExecutor.shared.loop, raw.assumingMemoryBound(to: uv_tcp_t.self))
        case .unix: unsafe uv_pipe_init(LoopExecutor.shared.loop, raw.assumingMemoryBound(to: uv_pipe_t.self), 0)
        }
        // Unretained: `close()` clears it before this object goes away.
        unsafe stream.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        try bind()
        let code = unsafe uv_listen(stream, Self.backlog) { stream, status in
            guard status == 0, let data = unsafe stream?.pointee.data else { return }
            let listener = unsafe Unmanaged<StreamListener>.fromOpaque(data).takeUnretainedValue()
            listener.acceptOne()
        }
        try LoopError.check(code, "listen")
    }

    /// Stops accepting; connections already accepted live on.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        unsafe closeFreeingMemory(stream)
    }

    isolated deinit { close() }

    private func acceptOne() {
        guard !isClosed else { return }
        let isUnixDomain = if case .unix = address { true } else { false }
        let socket = StreamSocket(isUnixDomain: isUnixDomain)
        guard unsafe uv_accept(stream, socket.stream) == 0 else {
            socket.close()
            return
        }
        socket.disableDelay()
        accept(socket)
    }

    private func bind() throws(LoopError) {
        switch address {
        case .tcp(let host, let port): try bindTCP(host, port)
        case .unix(let path): try bindUnix(path)
        }
    }

    private func bindTCP(_ host: String, _ port: UInt16) throws(LoopError) {
        let tcp = unsafe UnsafeMutableRawPointer(stream).assumingMemoryBound(to: uv_tcp_t.self)
        var storage = sockaddr_storage()
        let code = unsafe withUnsafeMutablePointer(to: &storage) { storage in
            let raw = UnsafeMutableRawPointer(storage)
            let parsed =
                unsafe host.contains(":")
                ? uv_ip6_addr(host, Int32(port), raw.assumingMemoryBound(to: sockaddr_in6.self))
                : uv_ip4_addr(
                    host == "localhost" ? "127.0.0.1" : host,
                    Int32(port),
                    raw.assumingMemoryBound(to: sockaddr_in.self)
                )
            guard parsed == 0 else { return parsed }
            return unsafe uv_tcp_bind(tcp, raw.assumingMemoryBound(to: sockaddr.self), 0)
        }
        try LoopError.check(code, "bind")
        if port == 0 { address = .tcp(host: host, port: unsafe boundPort(of: tcp)) }
    }

    private func boundPort(of tcp: UnsafeMutablePointer<uv_tcp_t>) -> UInt16 {
        var storage = sockaddr_storage()
        var length = Int32(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutablePointer(to: &storage) { storage in
            let raw = UnsafeMutableRawPointer(storage)
            guard unsafe uv_tcp_getsockname(tcp, raw.assumingMemoryBound(to: sockaddr.self), &length) == 0 else {
                return 0
            }
            // Port and family stand at the same place in both address families.
            return unsafe UInt16(bigEndian: raw.assumingMemoryBound(to: sockaddr_in.self).pointee.sin_port)
        }
    }

    private func bindUnix(_ path: String) throws(LoopError) {
        let pipe = unsafe UnsafeMutableRawPointer(stream).assumingMemoryBound(to: uv_pipe_t.self)
        var code = unsafe uv_pipe_bind(pipe, path)
        if code == UV_EADDRINUSE.rawValue, isSocketWithoutListener(path) {
            // A worker that was killed leaves its socket file behind; only a dead one is replaced.
            unsafe unlink(path)
            code = unsafe uv_pipe_bind(pipe, path)
        }
        try LoopError.check(code, "bind")
        // The edge may run as another user; who reaches the socket is decided by the folder it lies in.
        try LoopError.check(unsafe uv_pipe_chmod(pipe, Int32(UV_READABLE.rawValue | UV_WRITABLE.rawValue)), "chmod")
    }

    private func isSocketWithoutListener(_ path: String) -> Bool {
        let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard fd >= 0 else { return false }
        defer { Glibc.close(fd) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8.prefix(107)) }
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe connect(
                fd,
                UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self),
                socklen_t(MemoryLayout<sockaddr_un>.size)
            )
        }
        return result != 0 && errno == ECONNREFUSED
    }
}
