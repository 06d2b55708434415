import Core
import EventLoop
import TestSupport
import Testing

@testable import Gateway

@Suite("A worker's metrics", .onLoop)
struct MetricsWorkerTests {
    @LoopActor
    private func reading(_ metrics: WorkerMetrics) throws -> ExpositionReading {
        try ExpositionReading(MetricsMerge(metrics.text(), worker: metrics.worker).bytes())
    }

    @Test("Every family of the catalogue is there from the start, once, with its kind")
    @LoopActor
    func families() throws {
        let reading = try reading(WorkerMetrics(worker: "w1"))
        #expect(reading.order == MetricFamily.all.map { "\($0.name)" })
        #expect(reading.kinds["millrace_queue_seconds"] == "histogram")
        #expect(reading.values.keys.allSatisfy { $0.labels["worker"] == "w1" })
    }

    @Test(
        "A worker without a usable name gets one",
        arguments: [nil, "", "a b", "a\"", String(repeating: "x", count: 65)]
    )
    @LoopActor
    func names(_ name: String?) {
        let metrics = WorkerMetrics(worker: name)
        #expect(metrics.worker != name)
        #expect(MetricsSnapshot.isSane(worker: metrics.worker))
        #expect(WorkerMetrics(worker: name).worker != metrics.worker)
    }

    @Test("The process tells about itself")
    @LoopActor
    func process() throws {
        let reading = try reading(WorkerMetrics(worker: "w1"))
        #expect(reading.sum("millrace_process_resident_memory_bytes") > 1_000_000)
        #expect(reading.sum("millrace_process_cpu_seconds_total") > 0)
        #expect(reading.sum("millrace_process_open_fds") >= 3)
        #expect(reading.sum("millrace_process_max_fds") >= reading.sum("millrace_process_open_fds"))
        #expect(reading.sum("millrace_process_start_time_seconds") > 1_700_000_000)
        #expect(reading.sum("millrace_build_info", ["version": BuildVersion.text]) == 1)
    }

    @Test("Collectors are asked at every look")
    @LoopActor
    func collectors() throws {
        let metrics = WorkerMetrics(worker: "w1")
        var looks = 0
        metrics.addCollector { writer in
            looks += 1
            writer.begin(.redisUp)
            writer.sample(looks)
        }
        #expect(try reading(metrics).sum("millrace_redis_up") == 1)
        #expect(try reading(metrics).sum("millrace_redis_up") == 2)
    }

    @Test("Any worker shows the cluster, or itself alone")
    @LoopActor
    func cluster() async throws {
        let workers = ["w1", "w2", "w3"].map { WorkerMetrics(worker: $0) }
        for (place, worker) in workers.enumerated() {
            for _ in 0...place { worker.refusedUnread() }
        }
        let published = workers.dropFirst().map { $0.snapshot() } + [Array("garbage".utf8), workers[1].snapshot()]
        var asked = 0
        let shown = ClusterMetrics(own: workers[0]) {
            asked += 1
            return published
        }
        workers[0].refusedUnread()
        let all = try ExpositionReading(await shown.exposition(.cluster))
        #expect(all.sum("millrace_unreadable_requests_total") == 2 + 2 + 3)
        #expect(all.sum("millrace_unreadable_requests_total", ["worker": "w3"]) == 3)
        #expect(all.sum("millrace_build_info") == 3)
        let own = try ExpositionReading(await shown.exposition(.worker))
        #expect(own.sum("millrace_unreadable_requests_total") == 2)
        #expect(own.sum("millrace_build_info") == 1)
        #expect(asked == 1)
    }

    @Test("The loop's lag is sampled without anybody asking")
    @LoopActor
    func sampling() async {
        let lag = LoopLag()
        await eventually("two samples") { lag.histogram.total >= 2 }
        lag.close()
    }

    @Test("The longest lag is remembered for a while, then forgotten")
    @LoopActor
    func peak() {
        let lag = LoopLag()
        lag.close()
        lag.record(nanoseconds: 300_000_000)
        for _ in 0..<60 { lag.record(nanoseconds: 1_000_000) }
        #expect(lag.peakSeconds == 0.3)
        for _ in 0..<60 { lag.record(nanoseconds: 2_000_000) }
        #expect(lag.peakSeconds == 0.002)
    }

    @Test("A full exposition and a merge are quick enough for the loop")
    @LoopActor
    func speed() async throws {
        let metrics = WorkerMetrics(worker: "w1")
        var numbers = RequestNumbers()
        for number in 0..<RequestNumbers.modelLimit {
            let moment = Instant(nanoseconds: UInt64(number) * 1_000_000)
            var request = FinishedRequest(
                kind: .chat,
                reason: .done,
                status: 200,
                provider: "provider-\(number % 10)",
                model: "vendor/some-model-\(number)",
                receivedAt: Instant(nanoseconds: 0),
                firstByteAt: moment,
                endedAt: moment
            )
            request.usage = TokenUsage(prompt: 10, completion: 5)
            numbers.record(request)
        }
        metrics.addCollector { numbers.write(to: &$0) }
        let clock = ContinuousClock()
        var snapshot: [UInt8] = []
        let written = clock.measure { snapshot = metrics.snapshot() }
        var merge = MetricsMerge(WorkerMetrics(worker: "w2").text(), worker: "w2")
        var isIn = false
        let merged = clock.measure { isIn = merge.add(snapshot) }
        #expect(isIn)
        print(
            "metrics: a full snapshot of \(snapshot.count) bytes takes \(written.nanoseconds / 1000) us to write and "
                + "\(merged.nanoseconds / 1000) us to merge in this build"
        )
    }
}
