import Core
import Testing

@testable import Gateway

@Suite("Counting requests")
struct MetricsRequestTests {
    private func request(
        _ provider: String? = "openai",
        _ model: String = "gpt",
        status: Int = 200,
        reason: EndReason = .done,
        kind: FinishedRequest.Kind = .chat
    ) -> FinishedRequest {
        FinishedRequest(
            kind: kind,
            reason: reason,
            status: status,
            provider: provider,
            model: model,
            receivedAt: Instant(nanoseconds: 1_000_000_000),
            firstByteAt: Instant(nanoseconds: 1_020_000_000),
            endedAt: Instant(nanoseconds: 3_000_000_000)
        )
    }

    private func reading(_ numbers: RequestNumbers) throws -> ExpositionReading {
        var writer = MetricsWriter(worker: "w")
        numbers.write(to: &writer)
        return try ExpositionReading(MetricsMerge(writer.text, worker: "w").bytes())
    }

    @Test("Each request is counted where it belongs, with all it used")
    func counts() throws {
        var numbers = RequestNumbers()
        var served = request()
        served.usage = TokenUsage(prompt: 100, completion: 50, cached: 40, cacheWrite: 10, reasoning: 20)
        served.cost = 1_500_000_000
        served.chunks = 12
        served.upstreamCalls = 3
        numbers.record(served)
        numbers.record(request(status: 499, reason: .clientGone))
        numbers.record(request("deepseek", "chat", status: 502, reason: .upstreamError))
        numbers.record(request("deepseek", "gpt"))
        numbers.recordFailure(of: "deepseek", GatewayError(.upstreamError, "", source: .upstream))
        var limited = GatewayError(.rateLimitExceeded, "", source: .upstream)
        limited.failureClass = .rateLimited
        for _ in 0..<2 { numbers.recordFailure(of: "openai", limited) }

        let read = try reading(numbers)
        #expect(read.sum("millrace_requests_total") == 4)
        #expect(read.sum("millrace_requests_total", ["provider": "openai", "model": "gpt", "status": "2xx"]) == 1)
        #expect(read.sum("millrace_requests_total", ["provider": "openai", "model": "gpt", "status": "4xx"]) == 1)
        #expect(read.sum("millrace_requests_total", ["provider": "deepseek", "status": "5xx"]) == 1)
        for (kind, count) in [
            ("prompt", 100.0), ("completion", 50), ("cached", 40), ("cache_write", 10), ("reasoning", 20),
        ] {
            #expect(read.sum("millrace_tokens_total", ["kind": kind]) == count)
        }
        #expect(read.sum("millrace_cost_dollars_total", ["provider": "openai", "model": "gpt"]) == 1.5)
        #expect(read.sum("millrace_chunks_total", ["provider": "openai"]) == 12)
        #expect(read.sum("millrace_retries_total") == 2)
        #expect(read.sum("millrace_ends_total", ["route": "chat", "reason": "done"]) == 2)
        #expect(read.sum("millrace_ends_total") == 4)
        #expect(read.sum("millrace_request_seconds_count", ["provider": "deepseek"]) == 2)
        #expect(read.sum("millrace_request_seconds_sum", ["provider": "deepseek"]) == 4)
        #expect(read.sum("millrace_first_byte_seconds_bucket", ["provider": "openai", "le": "0.01"]) == 0)
        #expect(read.sum("millrace_first_byte_seconds_bucket", ["provider": "openai", "le": "0.025"]) == 2)
        #expect(
            read.sum(
                "millrace_upstream_failures_total",
                ["provider": "openai", "error": "rate_limit_exceeded", "class": "rate_limited"]
            ) == 2
        )
        #expect(read.sum("millrace_upstream_failures_total", ["provider": "deepseek", "class": "none"]) == 1)
    }

    @Test("A request nobody was chosen for has a series too, a health check only an end")
    func nobody() throws {
        var numbers = RequestNumbers()
        numbers.record(request(nil, "made-up", status: 404, reason: .refused, kind: .unknown))
        for _ in 0..<5 { numbers.record(request(nil, kind: .own)) }
        let read = try reading(numbers)
        #expect(read.sum("millrace_requests_total", ["provider": "none", "model": "none", "status": "4xx"]) == 1)
        #expect(read.sum("millrace_requests_total") == 1)
        #expect(read.sum("millrace_ends_total", ["route": "internal", "reason": "done"]) == 5)
    }

    @Test("Every reason has a place of its own")
    func places() {
        var places: Set<Int> = []
        for kind in FinishedRequest.Kind.allCases {
            for reason in EndReason.allCases { places.insert(RequestNumbers.place(kind, reason)) }
        }
        #expect(places == Set(0..<FinishedRequest.Kind.allCases.count * EndReason.allCases.count))
    }

    @Test("Clients cannot make series without end, nor two that look alike")
    func limit() throws {
        var numbers = RequestNumbers()
        let long = String(repeating: "x", count: 120)
        for name in ["other", long, long + "a", long + "b", "a\nb", "a\u{7F}", ""] {
            numbers.record(request("p", name))
        }
        for number in 0..<2000 { numbers.record(request("p", "model-\(number)")) }
        for number in 0..<10 { numbers.record(request("p", "model-\(number)")) }
        let read = try reading(numbers)
        #expect(read.sum("millrace_requests_total") == 2017)
        #expect(read.values.keys.count { $0.name == "millrace_requests_total" } == RequestNumbers.modelLimit)
        #expect(read.sum("millrace_requests_total", ["model": "model-3"]) == 2)
        #expect(read.sum("millrace_requests_total", ["model": long]) == 1)
        let kept = Double(RequestNumbers.modelLimit - 2)
        #expect(read.sum("millrace_requests_total", ["model": "other"]) == 6 + 2000 - kept)
    }

    @Test("Nonsense in what upstreams report does not end the worker")
    func nonsense() throws {
        var numbers = RequestNumbers()
        for usage in [
            TokenUsage(prompt: -5, completion: .min), TokenUsage(prompt: .max, completion: .max, cached: .max),
        ] {
            var served = request(status: 70_000)
            served.usage = usage
            served.cost = .max
            for _ in 0..<3 { numbers.record(served) }
        }
        _ = try reading(numbers)
    }

    @Test("Recording a request costs a fraction of a microsecond in a release build")
    func cost() {
        var numbers = RequestNumbers()
        let models = (0..<20).map { "vendor/some-model-name-\($0)" }
        for model in models { numbers.record(request("openai", model)) }
        let rounds = 50_000
        var sample = request("openai")
        sample.usage = TokenUsage(prompt: 10, completion: 5)
        sample.chunks = 7
        let clock = ContinuousClock()
        let spent = clock.measure {
            for round in 0..<rounds {
                sample.model = models[round % models.count]
                numbers.record(sample)
            }
        }
        let recorded = numbers.models.reduce(0) { $0 + $1.statuses[2] }
        #expect(recorded == UInt64(rounds + models.count))
        #expect(numbers.models.count == models.count)
        print("metrics: \(spent.nanoseconds / Int64(rounds)) ns per recorded request in this build")
    }
}
