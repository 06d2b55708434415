/// The upper bounds of a histogram's buckets; what is above the last goes into one more.
package struct HistogramBounds: Sendable, Equatable {
    package let nanoseconds: [UInt64]
    /// The values of `le`, in seconds, without the last one.
    package let labels: [String]

    package init(milliseconds: [Double]) {
        nanoseconds = milliseconds.map { UInt64($0 * 1_000_000) }
        labels = milliseconds.map { "\($0 / 1000)" }
    }

    /// For whole requests: from an answer out of memory to a long stream.
    package static let requests = HistogramBounds(
        milliseconds: [
            2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 120_000, 300_000, 900_000,
        ]
    )
    /// For what should take no time at all. The loop's own clock has milliseconds, so there is nothing below.
    package static let waits = HistogramBounds(milliseconds: [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500])
    /// For commands to Redis: from one over a unix socket to the deadline of those that people wait for.
    package static let commands = HistogramBounds(
        milliseconds: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 1000, 2500]
    )
}

/// Counts of spans of time by upper bound, as Prometheus has them.
package struct Histogram: Sendable, Equatable {
    package let bounds: HistogramBounds
    /// One count for each bucket, not cumulative.
    package private(set) var counts: [UInt64]
    package private(set) var nanoseconds: UInt64 = 0
    package private(set) var total: UInt64 = 0

    package init(_ bounds: HistogramBounds) {
        self.bounds = bounds
        counts = [UInt64](repeating: 0, count: bounds.nanoseconds.count + 1)
    }

    package mutating func add(nanoseconds span: UInt64) {
        var place = 0
        while place < bounds.nanoseconds.count, span > bounds.nanoseconds[place] { place += 1 }
        counts[place] += 1
        nanoseconds &+= span
        total += 1
    }

    /// Adds the time between two moments; a clock that seems to run backwards counts as no time.
    package mutating func add(from earlier: Instant, to later: Instant) {
        add(nanoseconds: later < earlier ? 0 : later.nanoseconds - earlier.nanoseconds)
    }
}
