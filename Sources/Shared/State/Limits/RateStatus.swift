/// How much of a key's rates is left, as the answer's headers tell the client.
package struct RateStatus: Sendable, Equatable {
    package struct Rate: Sendable, Equatable {
        package var limit: Int
        package var remaining: Int
        /// Until nothing counts against the limit any more, if nothing more is used.
        package var resetMilliseconds: Int
    }

    package var requests: Rate?
    package var tokens: Rate?

    /// The `x-ratelimit-*` headers; none for what is not limited.
    package var headers: [(name: StaticString, value: String)] {
        var headers: [(name: StaticString, value: String)] = []
        if let requests {
            headers += [
                ("x-ratelimit-limit-requests", String(requests.limit)),
                ("x-ratelimit-remaining-requests", String(requests.remaining)),
                ("x-ratelimit-reset-requests", Self.text(milliseconds: requests.resetMilliseconds)),
            ]
        }
        if let tokens {
            headers += [
                ("x-ratelimit-limit-tokens", String(tokens.limit)),
                ("x-ratelimit-remaining-tokens", String(tokens.remaining)),
                ("x-ratelimit-reset-tokens", Self.text(milliseconds: tokens.resetMilliseconds)),
            ]
        }
        return headers
    }

    /// `120ms`, `1s`, `6m0s`: seconds are rounded up.
    static func text(milliseconds: Int) -> String {
        if milliseconds < 1_000 { return milliseconds <= 0 ? "0s" : "\(milliseconds)ms" }
        let seconds = (milliseconds + 999) / 1_000
        let hours = seconds / 3_600
        let minutes = seconds / 60 % 60
        if hours > 0 { return "\(hours)h\(minutes)m\(seconds % 60)s" }
        return minutes > 0 ? "\(minutes)m\(seconds % 60)s" : "\(seconds)s"
    }
}
