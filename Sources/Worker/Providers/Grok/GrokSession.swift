internal import Core
internal import HTTPCodec

/// Calls to the application as one account.
struct GrokSession: Sendable {
    let configuration: GrokConfiguration
    private let desk: any Desk
    private let cookie: String

    /// A credential that the caller has brought along is passed on to the letter, with nothing of the operator's beside it.
    init(
        _ configuration: GrokConfiguration,
        _ desk: any Desk,
        key: String,
        isVerbatim: Bool = false
    ) throws(GatewayError) {
        self.configuration = configuration
        self.desk = desk
        if isVerbatim, key.contains("=") {
            guard key.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else { throw .badCookie }
            cookie = key
        } else {
            guard let credential = GrokCredential(key) else { throw .badCookie }
            cookie = credential.header(isVerbatim ? [] : configuration.cookies)
        }
    }

    /// `path` begins with a slash; `page` is where a browser would be.
    func request(
        _ method: OutgoingRequest.Method = .post,
        _ path: String,
        _ body: [UInt8] = Array("{}".utf8),
        from page: String = "/"
    ) throws(GatewayError) -> OutgoingRequest {
        let origin = GrokAddress.origin(of: configuration.baseURL)
        var headers = [
            HTTPHeader("Accept", "*/*"),
            // A compressed stream would wait for its compressor's buffer.
            HTTPHeader("Accept-Encoding", "identity"),
            HTTPHeader("Accept-Language", "en"),
            HTTPHeader("Origin", origin),
            HTTPHeader("Referer", origin + page),
            HTTPHeader("User-Agent", configuration.userAgent),
            HTTPHeader("Cookie", cookie),
            HTTPHeader("X-Xai-Request-Id", try requestID()),
        ]
        let hasBody = method != .get && method != .delete
        if hasBody { headers.append(HTTPHeader("Content-Type", "application/json")) }
        for header in configuration.headers {
            headers.removeAll { $0.name.lowercased() == header.name.lowercased() }
            headers.append(header)
        }
        return OutgoingRequest(
            method: method,
            url: configuration.baseURL + path,
            headers: headers,
            body: hasBody ? body : []
        )
    }

    /// What only the account can fetch; no header of the application's goes along.
    func assetRequest(_ url: String) -> OutgoingRequest {
        OutgoingRequest(
            method: .get,
            url: url,
            headers: [
                HTTPHeader("Accept", "*/*"), HTTPHeader("User-Agent", configuration.userAgent),
                HTTPHeader("Referer", GrokAddress.origin(of: configuration.baseURL) + "/"),
                HTTPHeader("Cookie", cookie),
            ]
        )
    }

    func ask(
        _ method: OutgoingRequest.Method = .post,
        _ path: String,
        _ body: [UInt8] = Array("{}".utf8)
    ) async throws(GatewayError) -> DeskAnswer {
        try await desk.ask(try request(method, path, body))
    }

    /// What an unsuccessful answer means.
    func failure(_ answer: DeskAnswer) -> GatewayError { GrokFailure.make(answer.failed(at: desk.now)) }

    /// A random UUID, a new one for each call.
    private func requestID() throws(GatewayError) -> String {
        var bytes = try desk.random(16)
        guard bytes.count == 16 else { throw GatewayError(.internalError, "No random bytes can be had.") }
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let digits = Array("0123456789abcdef")
        var text = ""
        for (place, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(place) { text.append("-") }
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return text
    }
}

extension GatewayError {
    fileprivate static var badCookie: GatewayError {
        var error = GatewayError(
            .upstreamRefusedCredentials,
            "The account's credential cannot be sent: it is no cookie.",
            source: .upstream,
            retry: .elsewhere
        )
        error.failureClass = .credentialsRefused
        return error
    }
}
