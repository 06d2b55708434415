import Core
import Testing

@testable import Gateway

@Suite("Merging the cluster's metrics")
struct MetricsMergeTests {
    private static let counter = MetricFamily("millrace_a_total", .counter, "Some.")
    private static let gauge = MetricFamily("millrace_b", .gauge, "Others.")
    private static let spans = MetricFamily("millrace_c_seconds", .histogram, "Spans.")
    private static let tiny = MetricFamily(
        "millrace_d_seconds",
        .gauge,
        "As small as numbers are written with an exponent."
    )

    private func writer(_ worker: String, _ value: Int = 1) -> MetricsWriter {
        var writer = MetricsWriter(worker: worker)
        var histogram = Histogram(HistogramBounds(milliseconds: [1, 10]))
        histogram.add(nanoseconds: 5_000_000)
        writer.begin(Self.gauge)
        writer.sample(0.25)
        writer.begin(Self.counter)
        writer.sample(value, ("model", "a\"b\\c\nd夜"))
        writer.sample(value, ("model", "plain"))
        writer.begin(Self.spans)
        writer.sample(histogram, ("provider", "p"))
        writer.begin(Self.tiny)
        writer.sample(1e-7)
        return writer
    }

    private func snapshot(_ worker: String, _ value: Int = 1) -> [UInt8] {
        MetricsSnapshot.bytes(writer(worker, value).text, worker: worker)
    }

    private func check(
        _ merge: inout MetricsMerge,
        _ bytes: [UInt8],
        _ isTaken: Bool,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let answer = merge.add(bytes)
        #expect(answer == isTaken, sourceLocation: sourceLocation)
    }

    @Test("Every worker's series stand under one head for each family")
    func merges() throws {
        var merge = MetricsMerge(writer("w1", 1).text, worker: "w1")
        check(&merge, snapshot("w2", 20), true)
        check(&merge, snapshot("w3", 300), true)
        let reading = try ExpositionReading(merge.bytes())
        #expect(reading.order == ["millrace_b", "millrace_a_total", "millrace_c_seconds", "millrace_d_seconds"])
        #expect(reading.sum("millrace_a_total", ["model": "plain"]) == 321)
        #expect(reading.sum("millrace_a_total", ["worker": "w3", "model": "a\"b\\c\nd夜"]) == 300)
        #expect(reading.sum("millrace_c_seconds_bucket", ["le": "0.01"]) == 3)
        #expect(abs(reading.sum("millrace_d_seconds") - 3e-7) < 1e-12)
    }

    @Test("A family that only another version knows is shown as well")
    func newerFamily() throws {
        var newer = writer("w2")
        newer.begin(MetricFamily("millrace_new_total", .counter, "Not known here."))
        newer.sample(7)
        var merge = MetricsMerge(writer("w1").text, worker: "w1")
        check(&merge, MetricsSnapshot.bytes(newer.text, worker: "w2"), true)
        #expect(try ExpositionReading(merge.bytes()).sum("millrace_new_total") == 7)
    }

    @Test("The same worker counts once")
    func twice() throws {
        var merge = MetricsMerge(writer("w1").text, worker: "w1")
        check(&merge, snapshot("w1", 5), false)
        check(&merge, snapshot("w2"), true)
        check(&merge, snapshot("w2"), false)
        #expect(try ExpositionReading(merge.bytes()).sum("millrace_a_total", ["model": "plain"]) == 2)
    }

    @Test("A worker that sees a family as something else is left out whole")
    func otherKind() throws {
        var other = MetricsWriter(worker: "w2")
        other.begin(Self.counter)
        other.sample(5)
        other.begin(MetricFamily("millrace_b", .counter, "Others."))
        other.sample(5)
        var merge = MetricsMerge(writer("w1").text, worker: "w1")
        let before = merge.bytes()
        check(&merge, MetricsSnapshot.bytes(other.text, worker: "w2"), false)
        #expect(merge.bytes() == before)
    }

    @Test(
        "What is no snapshot changes nothing",
        arguments: [
            "", "\n", "garbage", "# EOF\n", "# millrace-metrics 1 w2\n", "# millrace-metrics 2 w2\n# EOF\n",
            "# millrace-metrics 1 \n# EOF\n", "# millrace-metrics 1 w 2\n# EOF\n",
            "# millrace-metrics 1 w2\nmillrace_a_total{worker=\"w2\"} 1\n# EOF\n",
            "# millrace-metrics 1 w2\n# HELP millrace_x x\nmillrace_x{worker=\"w2\"} 1\n# EOF\n",
            "# millrace-metrics 1 w2\n# HELP other_x x\n# TYPE other_x gauge\n# EOF\n",
            "# millrace-metrics 1 w2\n# HELP millrace_x x\n# TYPE millrace_x enum\n# EOF\n",
        ]
    )
    func garbage(_ text: String) {
        var merge = MetricsMerge(writer("w1").text, worker: "w1")
        let before = merge.bytes()
        check(&merge, Array(text.utf8), false)
        #expect(merge.bytes() == before)
    }

    @Test(
        "A line that is not quite a series makes the snapshot worthless",
        arguments: [
            "millrace_x{worker=\"w3\"} 1", "millrace_x{worker=\"w2\"}", "millrace_x{worker=\"w2\"} one",
            "millrace_x{worker=\"w2\"} 0x10", "millrace_x{worker=\"w2\"}  1", "millrace_x{worker=\"w2\"} 1 1700000000",
            "millrace_x{worker=\"w2\",a=\"b} 1", "millrace_x{worker=\"w2\",a=b} 1", "millrace_x{worker=\"w2\",} 1",
            "millrace_x{worker=\"w2\",a=\"\\q\"} 1", "millrace_x_sum{worker=\"w2\"} 1", "millrace_y{worker=\"w2\"} 1",
            "millrace_x 1", "", " ", "millrace_x{worker=\"w2\"} nan", "millrace_x{worker=\"w2\"} 1e", "other 1",
        ]
    )
    func lines(_ line: String) {
        let head = "# millrace-metrics 1 w2\n# HELP millrace_x x\n# TYPE millrace_x gauge\n"
        #expect(MetricsSnapshot(Array("\(head)millrace_x{worker=\"w2\"} 1\n# EOF\n".utf8)) != nil)
        #expect(MetricsSnapshot(Array("\(head)\(line)\n# EOF\n".utf8)) == nil)
    }

    @Test("A snapshot cut anywhere is refused")
    func cut() {
        let whole = snapshot("w2")
        #expect(MetricsSnapshot(whole) != nil)
        for count in 0..<whole.count { #expect(MetricsSnapshot(Array(whole[..<count])) == nil, "cut at \(count)") }
    }

    @Test("Whatever happens to a snapshot's bytes, the exposition stays readable")
    func flipped() throws {
        let whole = snapshot("w2")
        let own = writer("w1").text
        let before = MetricsMerge(own, worker: "w1").bytes()
        var accepted = 0
        for place in whole.indices {
            for byte in [0, 0x0A, 0x20, 0x22, 0x5C, 0xFF, whole[place] ^ 1] as [UInt8] where byte != whole[place] {
                var damaged = whole
                damaged[place] = byte
                var merge = MetricsMerge(own, worker: "w1")
                guard merge.add(damaged) else {
                    #expect(merge.bytes() == before)
                    continue
                }
                accepted += 1
                #expect(throws: Never.self, "byte \(byte) at \(place)") { try ExpositionReading(merge.bytes()) }
            }
        }
        // Digits and letters inside values and help texts may change; what gives the text its form may not.
        #expect((1..<whole.count * 2).contains(accepted))
    }

    @Test("A snapshot beyond all measure is not even read")
    func size() {
        var bytes = Array("# millrace-metrics 1 w2\n# HELP millrace_x ".utf8)
        bytes += [UInt8](repeating: UInt8(ascii: "x"), count: 4 << 20)
        bytes += Array("\n# TYPE millrace_x gauge\n# EOF\n".utf8)
        #expect(MetricsSnapshot(bytes) == nil)
    }

    @Test(
        "The scope is part of the query",
        arguments: [
            (nil, false), ("", false), ("scope=worker", true), ("a=b&scope=worker", true), ("scope=cluster", false),
            ("scope=workers", false), ("xscope=worker", false),
        ] as [(String?, Bool)]
    )
    func scope(_ query: String?, _ isWorker: Bool) {
        let scope = ClusterMetrics.Scope(query: query.map { Array($0.utf8)[...] })
        #expect((scope == .worker) == isWorker)
    }
}
