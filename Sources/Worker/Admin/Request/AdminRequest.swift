import Core
import HTTPCodec

/// A request to the administration, taken apart as far as everybody needs it.
struct AdminRequest: Sendable {
    let head: RequestHead
    let body: [UInt8]
    /// Names the request in answers and logs.
    let id: String
    /// What failures to log in are counted by.
    let client: String

    init(head: RequestHead, body: [UInt8] = [], id: String) {
        self.head = head
        self.body = body
        self.id = id
        client = ClientAddress.bucket(head)
    }

    /// HEAD is GET without the body, which the server leaves out by itself.
    var method: HTTPMethod { head.method == .head ? .get : head.method }

    var changesState: Bool { method != .get && method != .options }

    /// Whether the client reached the edge by TLS.
    var isSecure: Bool { head.first("x-forwarded-proto")?.equalsIgnoringCase("https") ?? false }

    /// Whether a browser sent it on behalf of a page of another origin. Browsers send `Origin` with whatever changes
    /// anything; programs do not.
    var isForeign: Bool {
        guard changesState, let origin = head.first("origin") else { return false }
        guard let host = head.first("host") else { return true }
        for scheme in ["http://", "https://"] as [StaticString] {
            let name = origin.prefix(scheme.utf8CodeUnitCount)
            if name.equalsIgnoringCase(scheme) {
                return origin.dropFirst(name.count).text.lowercased() != host.text.lowercased()
            }
        }
        return true
    }

    /// Whether a browser's page asks, who must not be made to show its own log-in window.
    var isFromPage: Bool { head.first("sec-fetch-mode") != nil }

    func query(allowing names: [String]) throws(GatewayError) -> AdminQuery {
        try AdminQuery(head.query ?? [], allowing: names)
    }
}
