import Core
import HTTPCodec

/// Which header lines of a visitor's request go on to the site: those named here and no others, so that nothing tells of this
/// service, of its cookies or of where the visitor is.
enum PassedHeaders {
    private static let names: [(StaticString, String)] = [
        ("accept", "Accept"), ("accept-language", "Accept-Language"), ("content-type", "Content-Type"),
        ("oai-device-id", "OAI-Device-Id"), ("oai-echo-logs", "OAI-Echo-Logs"), ("oai-language", "OAI-Language"),
        ("oai-telemetry", "OAI-Telemetry"), ("oai-session-id", "OAI-Session-Id"),
        ("oai-client-version", "OAI-Client-Version"), ("oai-client-build-number", "OAI-Client-Build-Number"),
        // What a page of the site has been given to show, and what checks of the visitor's own browser came to.
        ("openai-sentinel-chat-requirements-token", "OpenAI-Sentinel-Chat-Requirements-Token"),
        ("openai-sentinel-chat-requirements-prepare-token", "OpenAI-Sentinel-Chat-Requirements-Prepare-Token"),
        ("openai-sentinel-proof-token", "OpenAI-Sentinel-Proof-Token"),
        ("openai-sentinel-turnstile-token", "OpenAI-Sentinel-Turnstile-Token"),
        ("openai-sentinel-arkose-token", "OpenAI-Sentinel-Arkose-Token"),
        ("openai-sentinel-so-token", "OpenAI-Sentinel-So-Token"),
        ("x-conduit-token", "X-Conduit-Token"), ("x-oai-turn-trace-id", "X-OAI-Turn-Trace-Id"),
        ("x-openai-target-path", "X-OpenAI-Target-Path"), ("x-openai-target-route", "X-OpenAI-Target-Route"),
        ("sec-fetch-dest", "Sec-Fetch-Dest"), ("sec-fetch-mode", "Sec-Fetch-Mode"),
        ("sec-fetch-site", "Sec-Fetch-Site"), ("x-ms-blob-type", "X-Ms-Blob-Type"),
    ]

    /// The cookie by which the site finds a conversation's machine again; the only one that passes, in both directions.
    static let conversationCookie: StaticString = "conv_key"

    static func of(_ head: RequestHead) -> [HTTPHeader] {
        var headers: [HTTPHeader] = []
        for (name, spelled) in names {
            guard let value = head.first(name), !value.isEmpty else { continue }
            headers.append(HTTPHeader(spelled, value.text))
        }
        if let key = Cookies.value(of: conversationCookie, in: head) {
            headers.append(HTTPHeader("Cookie", "\(conversationCookie)=\(key.text)"))
        }
        return headers
    }
}
