package import Core

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

    /// Appends the `x-ratelimit-*` header lines; none for what is not limited.
    package func appendHeaders(to output: inout ByteBuffer) {
        Self.append(requests, "requests: ", to: &output)
        Self.append(tokens, "tokens: ", to: &output)
    }

    private static func append(_ rate: Rate?, _ what: StaticString, to output: inout ByteBuffer) {
        guard let rate else { return }
        output.append("x-ratelimit-limit-" as StaticString)
        output.append(what)
        output.append(decimal: rate.limit)
        output.append("\r\nx-ratelimit-remaining-" as StaticString)
        output.append(what)
        output.append(decimal: rate.remaining)
        output.append("\r\nx-ratelimit-reset-" as StaticString)
        output.append(what)
        output.append(text(milliseconds: rate.resetMilliseconds))
        output.append("\r\n" as StaticString)
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
