internal import Core

/// How long to wait before the next attempt: anything between nothing and a limit that doubles with each failure ("full
/// jitter"), so that a whole cluster does not come back in step after Redis was away.
struct Backoff {
    private let shortest: Duration
    private let longest: Duration
    private var failures = 0

    init(from shortest: Duration, to longest: Duration) {
        self.shortest = shortest
        self.longest = longest
    }

    mutating func reset() {
        failures = 0
    }

    mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        // 2^16 times the shortest wait is beyond every sensible limit; the cap keeps the shift from overflowing.
        let limit = min(longest, shortest * (1 << min(failures, 16)))
        failures += 1
        return .nanoseconds(Int64.random(in: 0...max(0, limit.nanoseconds), using: &generator))
    }
}
