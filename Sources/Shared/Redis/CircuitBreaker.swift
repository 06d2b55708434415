/// Counts failures in a row and says when it is time to stop asking.
///
/// A slow Redis is as bad as a dead one: without this every request would wait for its deadline first. Once open, only
/// a probe's success closes it again.
struct CircuitBreaker {
    private let threshold: Int
    private var failures = 0
    private(set) var isOpen = false

    init(threshold: Int) {
        self.threshold = max(1, threshold)
    }

    /// A command was answered in time. While the breaker is open such an answer belongs to the past and means nothing.
    mutating func succeeded() {
        failures = 0
    }

    /// Returns whether this failure has opened the breaker.
    mutating func failed() -> Bool {
        failures += 1
        guard !isOpen, failures >= threshold else { return false }
        isOpen = true
        return true
    }

    /// Redis answered a probe or greeted a new connection; returns whether this has closed the breaker.
    mutating func probeSucceeded() -> Bool {
        failures = 0
        defer { isOpen = false }
        return isOpen
    }
}
