internal import Core
internal import Crypto
internal import HTTPCodec

/// The site as one account sees it: makes calls that carry what all of its calls carry.
struct ChatGPTSite: Sendable {
    let settings: ChatGPTSettings
    let base: String
    let access: String
    /// The workspace to act in.
    let workspace: String?
    /// Stays the same for an account wherever it is used.
    let device: String

    init(_ settings: ChatGPTSettings, base: String, _ session: ChatGPTSession, workspace: String?, account: String) {
        self.settings = settings
        self.base = base
        self.workspace = workspace
        access = session.access
        device = UUIDText.make(Array(SHA256Digest(of: "device \(account)").bytes.prefix(16)))
    }

    func get(_ path: String) -> OutgoingRequest {
        OutgoingRequest(method: .get, url: base + "/backend-api" + path, headers: headers())
    }

    func post(_ path: String, _ body: [UInt8]) -> OutgoingRequest {
        OutgoingRequest(url: base + "/backend-api" + path, headers: headers(), body: body)
    }

    func patch(_ path: String, _ body: [UInt8]) -> OutgoingRequest {
        OutgoingRequest(method: .patch, url: base + "/backend-api" + path, headers: headers(), body: body)
    }

    /// A call that is answered by a stream.
    func stream(
        _ path: String,
        conversation: String?,
        _ extra: [HTTPHeader],
        _ body: [UInt8]
    ) -> OutgoingRequest {
        OutgoingRequest(
            url: base + "/backend-api" + path,
            headers: headers(streams: true, conversation: conversation) + extra,
            body: body
        )
    }

    private func headers(streams: Bool = false, conversation: String? = nil) -> [HTTPHeader] {
        var headers = [
            HTTPHeader("Accept", streams ? "text/event-stream" : "*/*"),
            HTTPHeader("Accept-Encoding", streams ? "identity" : "gzip"),
            HTTPHeader("Accept-Language", settings.acceptLanguage),
            HTTPHeader("Content-Type", "application/json"),
            HTTPHeader("Authorization", "Bearer " + access),
            HTTPHeader("OAI-Language", settings.language),
            HTTPHeader("OAI-Device-Id", device),
            HTTPHeader("Origin", base),
            HTTPHeader("Referer", conversation.map { "\(base)/c/\($0)" } ?? base + "/"),
            HTTPHeader("User-Agent", settings.userAgent),
        ]
        if let workspace { headers.append(HTTPHeader("ChatGPT-Account-ID", workspace)) }
        if let key = settings.authKey { headers.append(HTTPHeader("authkey", key)) }
        if let cookies = settings.cookies { headers.append(HTTPHeader("Cookie", cookies)) }
        return headers + settings.extraHeaders
    }
}

/// Random or derived bytes in the form that ids of messages have.
enum UUIDText {
    /// Of 16 bytes.
    static func make(_ bytes: [UInt8]) -> String {
        var bytes = bytes
        guard bytes.count == 16 else { return "" }
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let digits = Array(Hex.encode(bytes))
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }.joined(separator: "-")
    }

    static func random(at desk: any Desk) throws(GatewayError) -> String { make(try desk.random(16)) }
}
