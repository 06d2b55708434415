/// Counts since the start, for metrics.
package struct RedisStatistics: Sendable, Equatable {
    /// Commands accepted.
    package var commands = 0
    /// Commands that failed for whatever reason, refused ones included.
    package var errors = 0
    /// Of these, the ones whose deadline passed.
    package var timeouts = 0
    /// Of the errors, the ones that were turned away at once: breaker open, queue full or client closed.
    package var rejections = 0
    /// Connections made after the first one.
    package var reconnects = 0
    /// Answers that came in time, and the time from command to answer summed up over them.
    package var answers = 0
    package var latencyNanoseconds = 0
}
