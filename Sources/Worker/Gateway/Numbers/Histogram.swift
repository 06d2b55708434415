import Core

/// Counts of spans of time by upper bound, as Prometheus has them.
struct Histogram {
    /// Upper bounds in milliseconds; what is above goes into one more bucket.
    static let bounds: [Double] = [
        1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 120_000, 300_000,
    ]

    private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    private(set) var sum = 0.0
    private(set) var total: UInt64 = 0

    mutating func add(_ milliseconds: Double) {
        let place = Self.bounds.firstIndex { milliseconds <= $0 } ?? Self.bounds.count
        counts[place] += 1
        sum += milliseconds
        total += 1
    }

    /// Appends the series in seconds; `labels` without braces.
    func write(_ name: StaticString, _ labels: String, to text: inout ByteBuffer) {
        let separator = labels.isEmpty ? "" : ","
        var below: UInt64 = 0
        for (place, count) in counts.enumerated() {
            below += count
            let bound = place < Self.bounds.count ? "\(Self.bounds[place] / 1000)" : "+Inf"
            text.append("\(name)_bucket{\(labels)\(separator)le=\"\(bound)\"} \(below)\n")
        }
        text.append("\(name)_sum{\(labels)} \(sum / 1000)\n")
        text.append("\(name)_count{\(labels)} \(total)\n")
    }
}
