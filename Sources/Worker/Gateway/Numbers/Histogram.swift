import Core

/// The upper bounds of a histogram's buckets; what is above the last goes into one more.
struct HistogramBounds: Sendable {
    let nanoseconds: [UInt64]
    /// The values of `le`, in seconds, without the last one.
    let labels: [String]

    init(milliseconds: [Double]) {
        nanoseconds = milliseconds.map { UInt64($0 * 1_000_000) }
        labels = milliseconds.map { "\($0 / 1000)" }
    }

    /// For whole requests: from an answer out of memory to a long stream.
    static let requests = HistogramBounds(
        milliseconds: [
            2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 120_000, 300_000, 900_000,
        ]
    )
    /// For what should take no time at all. The loop's own clock has milliseconds, so there is nothing below.
    static let waits = HistogramBounds(milliseconds: [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500])
}

/// Counts of spans of time by upper bound, as Prometheus has them.
struct Histogram: Sendable {
    let bounds: HistogramBounds
    /// One count for each bucket, not cumulative.
    private(set) var counts: [UInt64]
    private(set) var nanoseconds: UInt64 = 0
    private(set) var total: UInt64 = 0

    init(_ bounds: HistogramBounds) {
        self.bounds = bounds
        counts = [UInt64](repeating: 0, count: bounds.nanoseconds.count + 1)
    }

    mutating func add(nanoseconds span: UInt64) {
        var place = 0
        while place < bounds.nanoseconds.count, span > bounds.nanoseconds[place] { place += 1 }
        counts[place] += 1
        nanoseconds &+= span
        total += 1
    }

    /// Adds the time between two moments; a clock that seems to run backwards counts as no time.
    mutating func add(from earlier: Instant, to later: Instant) {
        add(nanoseconds: later < earlier ? 0 : later.nanoseconds - earlier.nanoseconds)
    }
}
