/// Why a command has no answer.
package struct RedisError: Error, Sendable, Equatable {
    package enum Code: String, Sendable, CaseIterable {
        /// No answer within the deadline.
        case timeout
        /// The breaker is open: Redis has failed repeatedly and nothing is sent until it answers a probe.
        case unavailable
        /// Too many commands are waiting already.
        case overloaded
        /// The connection went away, or could not be had, before the answer was here.
        case connectionLost = "connection_lost"
        /// Redis answered with an error; `prefix` says which.
        case refused
        /// Redis sent what the protocol does not allow.
        case invalidReply = "invalid_reply"
        /// The client was closed.
        case closed
    }

    package let code: Code
    /// For logs; may hold names of keys, never their values.
    package let message: String
    /// Whether Redis may have run the command although its answer is missing. `false` is certain.
    package let mayHaveRun: Bool

    init(_ code: Code, _ message: String, mayHaveRun: Bool = false) {
        self.code = code
        self.message = message
        self.mayHaveRun = mayHaveRun
    }

    /// Redis' own error reply, such as `NOSCRIPT No matching script`.
    init(reply: String) {
        self.init(.refused, reply)
    }

    /// The first word of an error reply: `ERR`, `NOSCRIPT`, `READONLY`, `OOM`, `LOADING`, `WRONGTYPE` …
    package var prefix: Substring? {
        code == .refused ? message.prefix { $0 != " " } : nil
    }

    /// For metrics: no values in it.
    package var label: String { code.rawValue }
}
