import Crypto
import HTTPCodec
import Providers

/// The site that is mirrored: where it is, and what all requests to it carry.
struct MirrorSite: Sendable {
    /// Everything else the site has to say of itself.
    let settings: ChatGPTSettings
    /// One is taken at random for each request.
    var bases: [String] { settings.bases }

    /// What the site calls itself, whatever address it is reached at.
    static let publicOrigin = "https://chatgpt.com"

    /// Addresses that mean this service when they come from there.
    var origins: [String] {
        var origins: [String] = []
        for base in bases + [Self.publicOrigin] {
            let origin = Self.origin(of: base)
            if !origins.contains(origin) { origins.append(origin) }
        }
        return origins
    }

    /// The request for a path, for an account whose access token is at hand.
    func request(
        _ path: MirrorPath,
        _ method: OutgoingRequest.Method,
        _ passed: [HTTPHeader],
        body: [UInt8],
        page: String?,
        as session: MirrorSession,
        base: String
    ) -> OutgoingRequest {
        var headers = passed
        let isStream = passed.contains { $0.name == "Accept" && $0.value.contains("text/event-stream") }
        // Streams must come as they are said; the rest is read here, or is for whoever asks.
        headers.append(HTTPHeader("Accept-Encoding", isStream || method == .head ? "identity" : "gzip"))
        headers.append(HTTPHeader("Authorization", "Bearer " + session.access))
        headers.append(HTTPHeader("Origin", base))
        headers.append(HTTPHeader("Referer", page.map { "\(base)/c/\($0)" } ?? base + "/"))
        headers.append(HTTPHeader("User-Agent", settings.userAgent))
        add("Accept", "*/*", to: &headers)
        add("Accept-Language", settings.acceptLanguage, to: &headers)
        add("OAI-Language", settings.language, to: &headers)
        add("OAI-Device-Id", session.device, to: &headers)
        if let workspace = session.workspace { headers.append(HTTPHeader("ChatGPT-Account-ID", workspace)) }
        if let key = settings.authKey { headers.append(HTTPHeader("authkey", key)) }
        headers += settings.extraHeaders
        addCookies(to: &headers)
        return OutgoingRequest(method: method, url: base + path.target, headers: headers, body: body)
    }

    private func add(_ name: String, _ value: String, to headers: inout [HTTPHeader]) {
        if !headers.contains(where: { $0.name == name }) { headers.append(HTTPHeader(name, value)) }
    }

    /// The operator's own beside the one that passes.
    private func addCookies(to headers: inout [HTTPHeader]) {
        guard let own = settings.cookies else { return }
        if let place = headers.firstIndex(where: { $0.name == "Cookie" }) {
            headers[place].value += "; " + own
        } else {
            headers.append(HTTPHeader("Cookie", own))
        }
    }

    private static func origin(of url: String) -> String {
        var slashes = 0
        return String(
            url.prefix { character in
                if character == "/" { slashes += 1 }
                return slashes < 3
            }
        )
    }
}

/// As whom the site is asked.
struct MirrorSession: Sendable {
    var access: String
    var workspace: String?
    /// What the site knows the visitor's machine by, where the page does not say: the same for an account everywhere.
    var device: String

    init(access: String, workspace: String?, account: String) {
        self.access = access
        self.workspace = workspace
        var bytes = Array(SHA256Digest(of: "device \(account)").bytes.prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let digits = Array(Hex.encode(bytes))
        device = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }.joined(separator: "-")
    }
}
