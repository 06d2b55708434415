package import Core

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
    /// The time from command to answer, of answers that came in time.
    package var latency = Histogram(.commands)
}
