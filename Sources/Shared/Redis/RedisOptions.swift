/// How patient the client is and how much it holds.
package struct RedisOptions: Sendable {
    /// How long a command may take, the time in the queue included.
    package var timeout = Duration.milliseconds(50)
    /// How long resolving, connecting and greeting may take together. With the longest wait between two attempts it
    /// makes less than a second: so long after Redis is back the client is, too.
    package var connectTimeout = Duration.milliseconds(500)
    /// A connection whose oldest answer is missing for so long is given up, as its peer may be gone for good.
    package var stallTimeout = Duration.seconds(1)
    /// How many commands may be waiting, for the connection or for their answers.
    package var queueLimit = 10_000
    /// How many bytes of commands may be waiting to be sent.
    package var queueBytes = 64 << 20
    /// A longer reply is treated as garbage.
    package var replyLimit = 256 << 20
    /// Attempts to reconnect are spread at random over a span that doubles from the first to the second value.
    package var shortestBackoff = Duration.milliseconds(50)
    package var longestBackoff = Duration.milliseconds(400)
    /// So many missed deadlines or lost connections in a row open the breaker.
    package var breakerThreshold = 5
    /// How often a connection that only listens is asked for a sign of life.
    package var heartbeat = Duration.milliseconds(500)

    package init() {}
}
