import Core
import HTTPCodec
import Upstream

/// What becomes of the head of the site's answer: the few lines that pages need stay, all else is the site's own affair.
struct PassedAnswer {
    enum Form: Equatable {
        /// As it comes.
        case events
        case bytes
        /// The site's addresses in it become ours.
        case text
        /// There is none.
        case none
    }

    let status: Int
    let form: Form
    let headers: [HTTPHeader]

    init(_ head: UpstreamHead, origins: [String], own: String, isSecure: Bool) {
        let type = head.firstText("content-type") ?? ""
        status = Self.status(head.status)
        form = Self.form(head.status, type.lowercased())
        var headers: [HTTPHeader] = []
        for (name, spelled) in Self.kept {
            guard let value = head.firstText(name) else { continue }
            headers.append(HTTPHeader(spelled, value))
        }
        if let value = head.firstText("content-disposition") {
            headers.append(HTTPHeader("Content-Disposition", Self.disposition(value, type.lowercased())))
        }
        if (300..<400).contains(head.status), let value = head.firstText("location") {
            headers.append(HTTPHeader("Location", HostRewriter.location(value, origins: origins, own: own)))
        }
        if let seconds = head.firstText("retry-after") { headers.append(HTTPHeader("Retry-After", seconds)) }
        if form == .events {
            if let cookie = Self.conversationCookie(head, isSecure: isSecure) { headers.append(cookie) }
            headers.append(HTTPHeader("X-Accel-Buffering", "no"))
        } else {
            // Files may be anybody's: none of them is a page of this service.
            headers.append(
                HTTPHeader("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'")
            )
        }
        headers.append(HTTPHeader("X-Content-Type-Options", "nosniff"))
        self.headers = headers
    }

    private static let kept: [(StaticString, String)] = [
        ("content-type", "Content-Type"), ("cache-control", "Cache-Control"), ("expires", "Expires"),
    ]

    /// Redirects keep their method.
    private static func status(_ status: Int) -> Int {
        switch status {
        case 301, 302: 307
        // Interim answers never come so far; what else is no status is the site's fault.
        case 200..<600: status
        default: 502
        }
    }

    private static func form(_ status: Int, _ type: String) -> Form {
        if status == 204 || status == 304 { return .none }
        if type.hasPrefix("text/event-stream") { return .events }
        if type.hasPrefix("text/") || type.hasPrefix("application/json") || type.contains("javascript") { return .text }
        return .bytes
    }

    /// Media are shown instead of being saved.
    private static func disposition(_ value: String, _ type: String) -> String {
        guard type.hasPrefix("image/") || type.hasPrefix("audio/") || type.hasPrefix("video/"),
            value.lowercased().hasPrefix("attachment")
        else { return value }
        return "inline" + value.dropFirst(10)
    }

    private static func conversationCookie(_ head: UpstreamHead, isSecure: Bool) -> HTTPHeader? {
        for (name, value) in head.fields where name.equalsIgnoringCase("set-cookie") {
            guard let key = Cookies.value(of: PassedHeaders.conversationCookie, set: value) else { continue }
            let secure = isSecure ? "; Secure" : ""
            return HTTPHeader(
                "Set-Cookie",
                "\(PassedHeaders.conversationCookie)=\(key.text); Path=/; HttpOnly; SameSite=Lax\(secure)"
            )
        }
        return nil
    }
}
