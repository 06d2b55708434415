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
    /// Where it stands in the client's list of active handles.
    var place = 0
    /// Keeps its memory at the address libcurl has been told until the next request replaces it.
    private var body: [UInt8] = []
    private let errorText: UnsafeMutablePointer<CChar>
    private var url = ""
    private var headers: [HTTPHeader] = []
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var method: OutgoingRequest.Method?
    private var hasBody = false

    init(client: UpstreamClient, options: UpstreamOptions, share: UnsafeMutableRawPointer?) {
        guard let made = unsafe curl_easy_init() else { preconditionFailure("libcurl is out of memory") }
        unsafe raw = made
        unsafe errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe errorText.pointee = 0
        setConstants(options)
        // Unretained: the client owns its handles, and this object its libcurl handle.
        let this = unsafe Unmanaged.passUnretained(self).toOpaque()
        let owner = unsafe Unmanaged.passUnretained(client).toOpaque()
        unsafe ccurl_easy_setopt_pointer(raw, CURLOPT_PRIVATE, this)
        unsafe ccurl_easy_setopt_pointer(raw, CURLOPT_ERRORBUFFER, errorText)
        unsafe ccurl_easy_setopt_pointer(raw, CURLOPT_SHARE, share)
        unsafe ccurl_easy_setopt_pointer(raw, CURLOPT_WRITEDATA, this)
        unsafe ccurl_easy_setopt_pointer(raw, CURLOPT_HEADERDATA, this)
        unsafe ccurl_easy_setopt_write(raw, CURLOPT_WRITEFUNCTION, receiveBody)
        unsafe ccurl_easy_setopt_write(raw, CURLOPT_HEADERFUNCTION, receiveHeaderLine)
        unsafe ccurl_easy_setopt_pointer(raw, CURLOPT_OPENSOCKETDATA, owner)
        unsafe ccurl_easy_setopt_pointer(raw, CURLOPT_CLOSESOCKETDATA, owner)
        unsafe ccurl_easy_setopt_opensocket(raw, openSocket)
        unsafe ccurl_easy_setopt_closesocket(raw, closeSocket)
    }

    isolated deinit {
        unsafe curl_easy_cleanup(raw)
        unsafe curl_slist_free_all(headerList)
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
        body = []
    }

    var timings: TransferTimings {
        TransferTimings(
            connect: offset(CURLINFO_CONNECT_TIME_T),
            tls: offset(CURLINFO_APPCONNECT_TIME_T),
            firstByte: offset(CURLINFO_STARTTRANSFER_TIME_T),
            isReused: long(CURLINFO_NUM_CONNECTS) == 0
        )
    }

    var isHTTP2: Bool { long(CURLINFO_HTTP_VERSION) == Int(CURL_HTTP_VERSION_2_0) }

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

    /// Tells libcurl what to send. Returns why that is not possible, if it is not.
    func load(_ request: OutgoingRequest) -> TransferFailure? {
        unsafe errorText.pointee = 0
        if request.url != url || url.isEmpty {
            guard !request.url.utf8.contains(0) else {
                return TransferFailure(.badURL, "a NUL in the URL", sentRequest: false)
            }
            url = request.url
            unsafe ccurl_easy_setopt_string(raw, CURLOPT_URL, url)
            // Worth waiting for: whether the connection under way will carry many streams is known only behind TLS.
            let isTLS = url.utf8.prefix(6).elementsEqual("https:".utf8)
            unsafe ccurl_easy_setopt_long(raw, CURLOPT_PIPEWAIT, isTLS ? 1 : 0)
        }
        if unsafe headerList == nil || request.headers != headers {
            if let failure = load(request.headers) { return failure }
        }
        load(request.method, request.body)
        return nil
    }

    private func load(_ method: OutgoingRequest.Method, _ body: [UInt8]) {
        let sendsBody = method == .post || !body.isEmpty
        if method != self.method || sendsBody != hasBody {
            self.method = method
            hasBody = sendsBody
            unsafe ccurl_easy_setopt_long(raw, sendsBody ? CURLOPT_POST : CURLOPT_HTTPGET, 1)
            let isUsual = method == (sendsBody ? .post : .get)
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

    private func load(_ headers: [HTTPHeader]) -> TransferFailure? {
        var list: UnsafeMutablePointer<curl_slist>?
        var line: [CChar] = []
        var acceptsGzip = false
        var hasContentType = false
        for header in headers {
            line.removeAll(keepingCapacity: true)
            guard Self.append(header, to: &line) else {
                unsafe curl_slist_free_all(list)
                return TransferFailure(.badHeader, "control bytes in a header field", sentRequest: false)
            }
            unsafe list = curl_slist_append(list, line) ?? list
            if header.name.utf8.equalsIgnoringCase("content-type") { hasContentType = true }
            if header.name.utf8.equalsIgnoringCase("accept-encoding") { acceptsGzip = header.value == "gzip" }
        }
        // A name without a value takes away what libcurl would add by itself.
        unsafe list = curl_slist_append(list, "Expect:") ?? list
        if !hasContentType { unsafe list = curl_slist_append(list, "Content-Type:") ?? list }
        unsafe ccurl_easy_setopt_list(raw, CURLOPT_HTTPHEADER, list)
        unsafe ccurl_easy_setopt_string(raw, CURLOPT_ACCEPT_ENCODING, acceptsGzip ? "gzip" : nil)
        unsafe curl_slist_free_all(headerList)
        unsafe headerList = list
        self.headers = headers
        return nil
    }

    /// Writes a field as libcurl wants it: `name: value`, or `name;` for an empty value. False when the field would
    /// reach into the next line.
    private static func append(_ header: HTTPHeader, to line: inout [CChar]) -> Bool {
        guard !header.name.isEmpty, !header.name.utf8.contains(where: { $0 <= 32 || $0 == 58 || $0 >= 127 }),
            !header.value.utf8.contains(where: { $0 == 0 || $0 == 10 || $0 == 13 })
        else { return false }
        for byte in header.name.utf8 { line.append(CChar(bitPattern: byte)) }
        if header.value.utf8.allSatisfy({ $0 == 32 || $0 == 9 }) {
            line.append(59)
        } else {
            line.append(58)
            line.append(32)
            for byte in header.value.utf8 { line.append(CChar(bitPattern: byte)) }
        }
        line.append(0)
        return true
    }

    // MARK: What all requests share

    private func setConstants(_ options: UpstreamOptions) {
        let version = Int(options.allowsHTTP2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1)
        let longs: [(CURLoption, Int)] = [
            (CURLOPT_NOSIGNAL, 1), (CURLOPT_NOPROGRESS, 1), (CURLOPT_TCP_NODELAY, 1), (CURLOPT_TCP_KEEPALIVE, 1),
            (CURLOPT_FOLLOWLOCATION, 0), (CURLOPT_SSL_VERIFYPEER, 1), (CURLOPT_SSL_VERIFYHOST, 2),
            (CURLOPT_HTTP_VERSION, version), (CURLOPT_SUPPRESS_CONNECT_HEADERS, 1),
            (CURLOPT_CONNECTTIMEOUT_MS, Int(max(1, options.connectTimeout.milliseconds))),
            (CURLOPT_BUFFERSIZE, options.bufferBytes), (CURLOPT_UPLOAD_BUFFERSIZE, 16 * 1024),
            // Servers and balancers commonly close after 60 to 75 s of silence; a request must not race that.
            (CURLOPT_MAXAGE_CONN, 55),
            // Without it the loop would wait for the system's resolver when a transfer ends before its name is known.
            (CURLOPT_QUICK_EXIT, 1),
        ]
        for (option, value) in longs { unsafe ccurl_easy_setopt_long(raw, option, value) }
        let strings: [(CURLoption, String?)] = [
            (CURLOPT_PROTOCOLS_STR, "http,https"), (CURLOPT_USERAGENT, options.userAgent),
            // The empty string keeps libcurl from asking the environment.
            (CURLOPT_PROXY, options.proxyURL ?? ""), (CURLOPT_NOPROXY, ""),
            // With a folder of certificates beside the file libcurl would parse the file for every connection again.
            (CURLOPT_CAPATH, nil),
        ]
        for (option, value) in strings { unsafe ccurl_easy_setopt_string(raw, option, value) }
        if let file = options.caFile { unsafe ccurl_easy_setopt_string(raw, CURLOPT_CAINFO, file) }
    }
}

// MARK: Callbacks from libcurl

private func receiveBody(
    _ bytes: UnsafeMutablePointer<CChar>?,
    _ size: Int,
    _ count: Int,
    _ data: UnsafeMutableRawPointer?
) -> Int {
    guard let data = unsafe data else { return 0 }
    let handle = unsafe Unmanaged<EasyHandle>.fromOpaque(data).takeUnretainedValue()
    nonisolated(unsafe) let received = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
    return onLoop { unsafe handle.transfer?.took(received) ?? 0 }
}

private func receiveHeaderLine(
    _ bytes: UnsafeMutablePointer<CChar>?,
    _ size: Int,
    _ count: Int,
    _ data: UnsafeMutableRawPointer?
) -> Int {
    guard let data = unsafe data else { return 0 }
    let handle = unsafe Unmanaged<EasyHandle>.fromOpaque(data).takeUnretainedValue()
    nonisolated(unsafe) let line = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
    return onLoop { unsafe handle.transfer?.tookHeaderLine(line) ?? 0 }
}

private func openSocket(
    _ data: UnsafeMutableRawPointer?,
    _ purpose: curlsocktype,
    _ address: UnsafeMutablePointer<curl_sockaddr>?
) -> Int32 {
    guard let data = unsafe data, let address = unsafe address?.pointee else { return CURL_SOCKET_BAD }
    // Both flags at once save the system calls that libcurl would need.
    let type = address.socktype | Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let fd = socket(address.family, type, address.protocol)
    guard fd >= 0 else { return CURL_SOCKET_BAD }
    let client = unsafe Unmanaged<UpstreamClient>.fromOpaque(data).takeUnretainedValue()
    onLoop { client.opened(fd) }
    return fd
}

private func closeSocket(_ data: UnsafeMutableRawPointer?, _ fd: Int32) -> Int32 {
    if let data = unsafe data {
        let client = unsafe Unmanaged<UpstreamClient>.fromOpaque(data).takeUnretainedValue()
        onLoop { client.closing(fd) }
    }
    return close(fd)
}
