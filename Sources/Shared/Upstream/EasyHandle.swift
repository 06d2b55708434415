internal import CCurl
internal import Core
internal import EventLoop
internal import Glibc
internal import HTTPCodec

/// One of libcurl's easy handles, used for one transfer after the other. Everything that all requests share is set once;
/// of the rest only what differs from the request before, which at a busy upstream is the body alone.
@LoopActor
@safe final class EasyHandle {
    let raw: UnsafeMutableRawPointer
    /// Who uses the handle now.
    var transfer: Transfer?
    /// Where it is in use, and where it stands in the shard's list of active handles.
    var shard: Shard?
    var place = 0
    /// Keeps its memory at the address libcurl has been told until the next request replaces it.
    private var body: [UInt8] = []
    private let errorText: UnsafeMutablePointer<CChar>
    private(set) var destination: Destination?
    private var headers: HeaderList?
    /// How often the request was sent, on whatever connection.
    private var attempts = 0
    private let trust: TrustStore
    private let allowsHTTP2: Bool
    private var method: OutgoingRequest.Method?
    private var hasBody = false

    init(client: UpstreamClient, share: UnsafeMutableRawPointer?) {
        trust = client.trust
        allowsHTTP2 = client.options.allowsHTTP2
        guard let made = unsafe curl_easy_init() else { preconditionFailure("libcurl is out of memory") }
        unsafe raw = made
        unsafe errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe errorText.pointee = 0
        setConstants(client.options)
        // Unretained: the client owns its handles, and this object its libcurl handle.
        let this = unsafe Unmanaged.passUnretained(self).toOpaque()
        let owner = unsafe Unmanaged.passUnretained(client).toOpaque()
        unsafe ccurl_easy_setopt_pointer(raw, CURLOPT_PRIVATE, this)
        unsafe ccurl_easy_setopt_pointer(raw, CURLOPT_ERRORBUFFER, errorText)
        unsafe ccurl_easy_setopt_pointer(raw, CURLOPT_SHARE, share)
        unsafe ccurl_easy_setopt_pointer(raw, CURLOPT_WRITEDATA, this)
        unsafe ccurl_easy_setopt_pointer(raw, CURLOPT_HEADERDATA, this)
        // Literals in isolated code are isolated themselves, and need no detour through `onLoop`.
        unsafe ccurl_easy_setopt_write(raw, CURLOPT_WRITEFUNCTION) { bytes, size, count, data in
            guard let data = unsafe data else { return 0 }
            let handle = unsafe Unmanaged<EasyHandle>.fromOpaque(data).takeUnretainedValue()
            return unsafe handle.transfer?.took(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
        }
        unsafe ccurl_easy_setopt_write(raw, CURLOPT_HEADERFUNCTION) { bytes, size, count, data in
            guard let data = unsafe data else { return 0 }
            let handle = unsafe Unmanaged<EasyHandle>.fromOpaque(data).takeUnretainedValue()
            let line = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
            return unsafe handle.transfer?.tookHeaderLine(line) ?? 0
        }
        unsafe ccurl_easy_setopt_pointer(raw, CURLOPT_OPENSOCKETDATA, owner)
        unsafe ccurl_easy_setopt_pointer(raw, CURLOPT_CLOSESOCKETDATA, owner)
        unsafe ccurl_easy_setopt_pointer(raw, CURLOPT_PREREQDATA, this)
        unsafe ccurl_easy_setopt_prerequest(raw, requestBegins)
        unsafe ccurl_easy_setopt_pointer(raw, CURLOPT_SSL_CTX_DATA, Unmanaged.passUnretained(trust).toOpaque())
        unsafe ccurl_easy_setopt_tls_context(raw, useTrustStore)
        unsafe ccurl_easy_setopt_opensocket(raw, openSocket)
        unsafe ccurl_easy_setopt_closesocket(raw, closeSocket)
    }

    isolated deinit {
        unsafe curl_easy_cleanup(raw)
        unsafe errorText.deallocate()
    }

    /// Frees the memory of the request's body if libcurl has sent all of it; it will not look at it again.
    func releaseBody() {
        guard !body.isEmpty, offset(CURLINFO_SIZE_UPLOAD_T) >= body.count else { return }
        unsafe ccurl_easy_setopt_pointer(raw, CURLOPT_POSTFIELDS, nil)
        body = []
    }

    /// Makes the handle ready for the next transfer.
    func detach() {
        transfer = nil
        shard = nil
        attempts = 0
        body = []
    }

    /// libcurl counts the times it sent a request again, because the connection it had chosen was dead, over the whole
    /// life of a handle, and fails the transfer in which they become too many. Such a handle must serve no other one.
    var isWorn: Bool { attempts > 1 }

    fileprivate func countAttempt() { attempts += 1 }

    var timings: TransferTimings {
        TransferTimings(
            connect: offset(CURLINFO_CONNECT_TIME_T),
            tls: offset(CURLINFO_APPCONNECT_TIME_T),
            firstByte: offset(CURLINFO_STARTTRANSFER_TIME_T),
            isReused: long(CURLINFO_NUM_CONNECTS) == 0
        )
    }

    var isHTTP2: Bool { long(CURLINFO_HTTP_VERSION) == Int(CURL_HTTP_VERSION_2_0) }

    /// The transfer may be one of several on its connection; whether it is shows when the answer begins.
    var mayShareConnection: Bool { allowsHTTP2 && destination?.origin.isTLS == true }

    /// Identifies the TLS connection that the transfer is using now.
    var connection: UnsafeRawPointer? { unsafe ccurl_easy_tls_connection(raw) }

    /// Says whether the connection must not be used again; a connection with other transfers goes on with those.
    func forbidReuse(_ isForbidden: Bool) {
        unsafe ccurl_easy_setopt_long(raw, CURLOPT_FORBID_REUSE, isForbidden ? 1 : 0)
    }

    var hasSent: Bool { long(CURLINFO_REQUEST_SIZE) > 0 }

    /// Describes why libcurl gave up on the transfer.
    func failure(_ code: CURLcode) -> TransferFailure {
        let hasSent = hasSent
        let tunnelStatus = long(CURLINFO_HTTP_CONNECTCODE)
        let isAtProxy = tunnelStatus != 0 && tunnelStatus / 100 != 2
        let kind = TransferFailure.Kind(code, hasSent: hasSent, isAtProxy: isAtProxy)
        let words = unsafe errorText.pointee == 0 ? curl_easy_strerror(code) : UnsafePointer(errorText)
        let message = unsafe words.map { unsafe String(cString: $0) } ?? ""
        return TransferFailure(kind, code: Int32(bitPattern: code.rawValue), message, sentRequest: hasSent)
    }

    func long(_ info: CURLINFO) -> Int {
        var value = 0
        unsafe ccurl_easy_getinfo_long(raw, info, &value)
        return value
    }

    private func offset(_ info: CURLINFO) -> Int {
        var value: curl_off_t = 0
        unsafe ccurl_easy_getinfo_offset(raw, info, &value)
        return Int(value)
    }

    // MARK: The request

    /// Tells libcurl what to send.
    func load(
        _ request: OutgoingRequest,
        _ destinations: inout DestinationCache,
        _ headerLists: inout HeaderListCache
    ) throws(TransferFailure) -> Origin {
        unsafe errorText.pointee = 0
        let origin: Origin
        if let destination, destination.url == request.url {
            origin = destination.origin
        } else {
            let destination = try destinations.destination(for: request.url)
            load(destination)
            origin = destination.origin
        }
        if headers?.fields != request.headers {
            load(try headerLists.list(for: request.headers))
        }
        load(request.method, request.body)
        return origin
    }

    private func load(_ next: Destination) {
        // The text only describes the transfer; libcurl must never find that of another one there.
        unsafe ccurl_easy_setopt_string(raw, CURLOPT_URL, next.url)
        unsafe ccurl_easy_setopt_pointer(raw, CURLOPT_CURLU, UnsafeRawPointer(next.raw))
        let isTLS = next.origin.isTLS
        if destination?.origin.isTLS != isTLS {
            // Worth waiting for: whether the connection under way will carry many streams is known only behind TLS.
            unsafe ccurl_easy_setopt_long(raw, CURLOPT_PIPEWAIT, isTLS ? 1 : 0)
            let version = isTLS && allowsHTTP2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1
            unsafe ccurl_easy_setopt_long(raw, CURLOPT_HTTP_VERSION, Int(version))
        }
        // libcurl copies what it needs of the old one with each transfer, so it may go.
        destination = next
    }

    private func load(_ next: HeaderList) {
        unsafe ccurl_easy_setopt_list(raw, CURLOPT_HTTPHEADER, next.raw)
        if headers?.acceptsGzip != next.acceptsGzip {
            unsafe ccurl_easy_setopt_string(raw, CURLOPT_ACCEPT_ENCODING, next.acceptsGzip ? "gzip" : nil)
        }
        headers = next
    }

    private func load(_ method: OutgoingRequest.Method, _ body: [UInt8]) {
        let sendsBody = method == .post || !body.isEmpty && method != .head
        if method != self.method || sendsBody != hasBody {
            self.method = method
            hasBody = sendsBody
            // Each of the three takes back what the others have set. Only of NOBODY does libcurl learn that no body follows.
            let kind = sendsBody ? CURLOPT_POST : method == .head ? CURLOPT_NOBODY : CURLOPT_HTTPGET
            unsafe ccurl_easy_setopt_long(raw, kind, 1)
            let isUsual = method == (sendsBody ? .post : .get) || kind == CURLOPT_NOBODY
            unsafe ccurl_easy_setopt_string(raw, CURLOPT_CUSTOMREQUEST, isUsual ? nil : method.rawValue)
        }
        guard sendsBody else { return }
        self.body = body
        unsafe ccurl_easy_setopt_offset(raw, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
        // The array is held, unchanged and so at one address, until libcurl is done with the request.
        unsafe self.body.withUnsafeBytes { bytes in
            _ = unsafe ccurl_easy_setopt_pointer(
                raw,
                CURLOPT_POSTFIELDS,
                bytes.baseAddress ?? UnsafeRawPointer(errorText)
            )
        }
    }

    // MARK: What all requests share

    private func setConstants(_ options: UpstreamOptions) {
        let longs: [(CURLoption, Int)] = [
            (CURLOPT_NOSIGNAL, 1), (CURLOPT_NOPROGRESS, 1), (CURLOPT_TCP_NODELAY, 1), (CURLOPT_TCP_KEEPALIVE, 1),
            (CURLOPT_FOLLOWLOCATION, 0), (CURLOPT_SSL_VERIFYPEER, 1), (CURLOPT_SSL_VERIFYHOST, 2),
            (CURLOPT_SUPPRESS_CONNECT_HEADERS, 1), (CURLOPT_PATH_AS_IS, 1),
            (CURLOPT_CONNECTTIMEOUT_MS, Int(max(1, options.connectTimeout.milliseconds))),
            (CURLOPT_BUFFERSIZE, options.bufferBytes), (CURLOPT_UPLOAD_BUFFERSIZE, 16 * 1024),
            (CURLOPT_MAXAGE_CONN, Int(max(1, options.maxConnectionAge.milliseconds / 1000))),
            // The trust store is ours; libcurl must not put its own, which it would keep with each shard, in its place.
            (CURLOPT_CA_CACHE_TIMEOUT, 0),
            // Without it the loop would wait for the system's resolver when a transfer ends before its name is known.
            (CURLOPT_QUICK_EXIT, 1),
        ]
        for (option, value) in longs { unsafe ccurl_easy_setopt_long(raw, option, value) }
        let strings: [(CURLoption, String?)] = [
            (CURLOPT_PROTOCOLS_STR, "http,https"), (CURLOPT_USERAGENT, options.userAgent),
            // The empty string keeps libcurl from asking the environment.
            (CURLOPT_PROXY, options.proxyURL ?? ""), (CURLOPT_NOPROXY, ""),
            // Whatever these name libcurl would read for every connection, and add to the trust store.
            (CURLOPT_CAINFO, nil), (CURLOPT_CAPATH, nil), (CURLOPT_PROXY_CAINFO, nil), (CURLOPT_PROXY_CAPATH, nil),
        ]
        for (option, value) in strings { unsafe ccurl_easy_setopt_string(raw, option, value) }
    }
}

// MARK: Callbacks from libcurl

private func requestBegins(
    _ data: UnsafeMutableRawPointer?,
    _ remoteAddress: UnsafeMutablePointer<CChar>?,
    _ localAddress: UnsafeMutablePointer<CChar>?,
    _ remotePort: Int32,
    _ localPort: Int32
) -> Int32 {
    guard let data = unsafe data else { return CURL_PREREQFUNC_OK }
    let handle = unsafe Unmanaged<EasyHandle>.fromOpaque(data).takeUnretainedValue()
    onLoop { handle.countAttempt() }
    return CURL_PREREQFUNC_OK
}

private func useTrustStore(
    _ easy: UnsafeMutableRawPointer?,
    _ context: UnsafeMutableRawPointer?,
    _ data: UnsafeMutableRawPointer?
) -> CURLcode {
    guard let context = unsafe context, let data = unsafe data else { return CURLE_SSL_CACERT_BADFILE }
    let trust = unsafe Unmanaged<TrustStore>.fromOpaque(data).takeUnretainedValue()
    nonisolated(unsafe) let tlsContext = OpaquePointer(context)
    return onLoop { unsafe trust.apply(to: tlsContext) }
}

private func openSocket(
    _ data: UnsafeMutableRawPointer?,
    _ purpose: curlsocktype,
    _ address: UnsafeMutablePointer<curl_sockaddr>?
) -> Int32 {
    guard let data = unsafe data, let given = unsafe address else { return CURL_SOCKET_BAD }
    let client = unsafe Unmanaged<UpstreamClient>.fromOpaque(data).takeUnretainedValue()
    // Here the name has been resolved, and to nothing else will be connected: no second answer of a name server counts.
    if onLoop({ client.options.isPublicOnly && client.options.proxyURL == nil }),
        unsafe !AddressPolicy.isPublic(bytes(of: given))
    {
        return CURL_SOCKET_BAD
    }
    let address = unsafe given.pointee
    // Both flags at once save the system calls that libcurl would need.
    let type = address.socktype | Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let fd = socket(address.family, type, address.protocol)
    guard fd >= 0 else { return CURL_SOCKET_BAD }
    onLoop { client.opened(fd) }
    return fd
}

/// The IP address in a socket address; empty for other families.
private func bytes(of address: UnsafeMutablePointer<curl_sockaddr>) -> [UInt8] {
    // The structure declares room for the shortest address only; longer ones go on behind it.
    guard let start = MemoryLayout<curl_sockaddr>.offset(of: \.addr) else { return [] }
    let raw = unsafe UnsafeRawPointer(address) + start
    return switch unsafe address.pointee.family {
    case AF_INET: (4..<8).map { unsafe raw.load(fromByteOffset: $0, as: UInt8.self) }
    case AF_INET6: (8..<24).map { unsafe raw.load(fromByteOffset: $0, as: UInt8.self) }
    default: []
    }
}

private func closeSocket(_ data: UnsafeMutableRawPointer?, _ fd: Int32) -> Int32 {
    if let data = unsafe data {
        let client = unsafe Unmanaged<UpstreamClient>.fromOpaque(data).takeUnretainedValue()
        onLoop { client.closing(fd) }
    }
    return close(fd)
}
