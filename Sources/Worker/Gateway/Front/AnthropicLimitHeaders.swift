import Core
import HTTPCodec
import Providers

/// Anthropic's rate-limit headers for clients of OpenAI's: the originals, and beside them what OpenAI calls the same.
enum AnthropicLimitHeaders {
    /// Whether the name is one of `anthropic-ratelimit-requests-limit` and its like.
    static func contain(_ name: ArraySlice<UInt8>) -> Bool {
        name.prefix(prefix.utf8CodeUnitCount).equalsIgnoringCase(prefix)
    }

    /// `now` is in seconds since 1970: the vendor tells when a limit is lifted, OpenAI how long that takes.
    static func append(
        _ name: ArraySlice<UInt8>,
        _ value: ArraySlice<UInt8>,
        now: Int,
        to output: inout ByteBuffer
    ) {
        output.appendHeader(HTTPHeader(name.text, value.text))
        let words = name.dropFirst(prefix.utf8CodeUnitCount).text.lowercased().split(separator: "-")
        // Input and output tokens apart are nothing that OpenAI has.
        guard words.count == 2, words[0] == "requests" || words[0] == "tokens" else { return }
        switch words[1] {
        case "limit", "remaining":
            output.appendHeader(HTTPHeader("X-RateLimit-\(words[1])-\(words[0])", value.text))
        case "reset":
            guard let time = RFC3339.seconds(value.text) else { return }
            output.appendHeader(HTTPHeader("X-RateLimit-Reset-\(words[0])", duration(max(0, time - now))))
        default: break
        }
    }

    private static let prefix: StaticString = "anthropic-ratelimit-"

    /// `1h0m5s`, as OpenAI writes it.
    private static func duration(_ seconds: Int) -> String {
        let minutes = seconds / 60
        if minutes == 0 { return "\(seconds)s" }
        if minutes < 60 { return "\(minutes)m\(seconds % 60)s" }
        return "\(minutes / 60)h\(minutes % 60)m\(seconds % 60)s"
    }
}
