import Core
import Testing

@testable import Gateway

@Suite("Writing metrics")
struct MetricsWriterTests {
    private static let counter = MetricFamily("millrace_t_total", .counter, "Things.")
    private static let spans = MetricFamily("millrace_t_seconds", .histogram, "Spans.")

    private func text(_ writer: MetricsWriter) -> [UInt8] {
        MetricsMerge(writer.text, worker: "w").bytes()
    }

    @Test("A histogram is cumulative, in seconds, and ends with its sum and count")
    func histogram() throws {
        var histogram = Histogram(HistogramBounds(milliseconds: [1, 2.5, 300_000]))
        for milliseconds in [0.5, 1, 1.5, 300_000, 300_001] {
            histogram.add(nanoseconds: UInt64(milliseconds * 1_000_000))
        }
        var writer = MetricsWriter(worker: "w")
        writer.begin(Self.spans)
        writer.sample(histogram, ("a", "b"))
        #expect(
            String(decoding: text(writer), as: UTF8.self) == """
                # HELP millrace_t_seconds Spans.
                # TYPE millrace_t_seconds histogram
                millrace_t_seconds_bucket{worker="w",a="b",le="0.001"} 2
                millrace_t_seconds_bucket{worker="w",a="b",le="0.0025"} 3
                millrace_t_seconds_bucket{worker="w",a="b",le="300.0"} 4
                millrace_t_seconds_bucket{worker="w",a="b",le="+Inf"} 5
                millrace_t_seconds_sum{worker="w",a="b"} 600.004
                millrace_t_seconds_count{worker="w",a="b"} 5

                """
        )
    }

    @Test("Bounds rise, so that every value has one bucket", arguments: [HistogramBounds.requests, .waits, .commands])
    func bounds(_ bounds: HistogramBounds) {
        #expect(bounds.nanoseconds == bounds.nanoseconds.sorted())
        #expect(Set(bounds.nanoseconds).count == bounds.nanoseconds.count)
        #expect(Set(bounds.labels).count == bounds.nanoseconds.count)
    }

    @Test("A clock that runs backwards counts as no time")
    func backwards() {
        var histogram = Histogram(.waits)
        histogram.add(from: Instant(nanoseconds: 2), to: Instant(nanoseconds: 1))
        #expect(histogram.total == 1)
        #expect(histogram.nanoseconds == 0)
    }

    @Test(
        "Values of labels come back as they were",
        arguments: [#"a\b"c"#, "two\nlines", "夜, {x=\"1\"} 3", "", "a\r\nb"]
    )
    func escaping(_ value: String) throws {
        var writer = MetricsWriter(worker: "w")
        writer.begin(Self.counter)
        writer.sample(3, ("model", value))
        let reading = try ExpositionReading(text(writer))
        #expect(reading.values == [.init(name: "millrace_t_total", labels: ["worker": "w", "model": value]): 3])
    }

    @Test("Numbers of every kind can be read", arguments: [0, -1.5, 1e-9, 1e300, .infinity, 0.1, 5])
    func numbers(_ value: Double) throws {
        var writer = MetricsWriter(worker: "w")
        writer.begin(Self.counter)
        writer.sample(value)
        #expect(try ExpositionReading(text(writer)).sum("millrace_t_total") == value)
    }

    @Test("Collectors that share a family, one after the other, leave it in one piece")
    func shared() throws {
        var writer = MetricsWriter(worker: "w")
        for pool in ["a", "b", "c"] {
            var figures = PoolFigures(pool: pool)
            figures.leasesGranted = 5
            figures.leasesRefused = 2
            figures.openLeases = 1
            figures.coolDownsStarted = [.rateLimited: 3, .failing: 1, .none: 9]
            figures.accounts = ["ready": 4, "cooling": 1]
            writer.write(figures)
        }
        writer.write(limitRefusals: ["requests": 7, "budget": 1])
        let reading = try ExpositionReading(text(writer))
        #expect(reading.order.count == 5)
        #expect(reading.sum("millrace_pool_leases_total", ["outcome": "granted"]) == 15)
        #expect(reading.sum("millrace_pool_leases_total", ["pool": "b", "outcome": "refused"]) == 2)
        #expect(reading.sum("millrace_pool_open_leases") == 3)
        #expect(reading.sum("millrace_pool_cooldowns_total", ["class": "rate_limited"]) == 9)
        #expect(reading.sum("millrace_pool_cooldowns_total") == 12)
        #expect(reading.sum("millrace_pool_accounts", ["pool": "c", "state": "ready"]) == 4)
        #expect(reading.sum("millrace_limit_refusals_total", ["kind": "requests"]) == 7)
    }

    @Test("The catalogue names everything once, counters as such")
    func catalogue() {
        let names = MetricFamily.all.map { "\($0.name)" }
        #expect(Set(names).count == names.count)
        for family in MetricFamily.all {
            #expect("\(family.name)".hasPrefix("millrace_"))
            #expect("\(family.name)".hasSuffix("_total") == (family.kind == .counter), "\(family.name)")
            #expect(!"\(family.help)".contains { $0 == "\\" || $0 == "\n" })
        }
    }
}
