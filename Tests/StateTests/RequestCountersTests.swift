import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

@Suite("Request counters", .onLoop, .timeLimit(.minutes(1)))
struct RequestCountersTests {
    /// 15 January 2027, 08:00 UTC.
    private static let hour = "millrace:{stats}:requests:2027011508"

    @Test("Counts of two workers add up, and the hour is forgotten some day")
    @LoopActor func merging() async throws {
        let server = try RedisServer()
        let workers = [try await Worker(server), try await Worker(server)]
        for worker in workers {
            for status in [200, 201, 429] { worker.counters.count(provider: "openai", model: "gpt|4", status: status) }
        }
        try await eventually("the counts arrive by themselves") {
            try await counts(workers[0].redis) == ["openai|gpt_4|2xx": 4, "openai|gpt_4|4xx": 2]
        }
        let ttl = try await workers[0].redis.command(["TTL", .literal("millrace:{stats}:requests:2027011508")]).int
        #expect((39 * 86_400...40 * 86_400).contains(ttl ?? 0))
        for worker in workers { worker.close() }
        server.stop()
    }

    @Test("While Redis is away counts are kept, and a batch of unknown fate is counted once")
    @LoopActor func outage() async throws {
        let server = try RedisServer()
        let worker = try await Worker(server)
        worker.counters.count(provider: "a", model: "m", status: 200)
        await worker.counters.drain()
        #expect(try await counts(worker.redis) == ["a|m|2xx": 1])
        server.freeze()
        // Redis will run this batch, but its answer comes long after the deadline.
        worker.counters.count(provider: "a", model: "m", status: 200)
        worker.counters.flush()
        await eventually("the deadline has passed") { worker.redis.statistics.timeouts > 0 }
        for _ in 0..<10 { worker.counters.count(provider: "a", model: "m", status: 500) }
        server.thaw()
        await eventually("everything is counted once") {
            (try? await counts(worker.redis)) == ["a|m|2xx": 2, "a|m|5xx": 10]
        }
        server.kill()
        await eventually("the loss is noticed") { !worker.redis.isReady }
        for _ in 0..<5 { worker.counters.count(provider: "a", model: "m", status: 200) }
        try server.start()
        await eventually("the worker is connected again") { worker.redis.isReady }
        await worker.counters.drain()
        #expect(try await counts(worker.redis) == ["a|m|2xx": 5], "the new Redis began with nothing")
        worker.close()
        server.stop()
    }

    @Test("Series and hours are bounded, for the whole of an hour")
    func bounds() throws {
        var tally = RequestTally(seriesLimit: 3, hourLimit: 2)
        for round in 0..<2 {
            for number in 0..<10 { tally.add(provider: "p", model: "m\(round)\(number)", status: 200, at: 3_600) }
            let taken = tally.takeBatch()
            let batch = try #require(taken)
            #expect(batch.amounts.count == (round == 0 ? 4 : 1))
            #expect(batch.amounts.values.reduce(0, +) == 10)
            #expect(batch.amounts.keys.contains { $0.model == "other" })
        }
        for hour in 2...5 { tally.add(provider: "p", model: "m", status: 200, at: hour * 3_600) }
        var hours: [Int] = []
        while let batch = tally.takeBatch() { hours.append(batch.hour) }
        #expect(hours == [4, 5])
    }

    @Test(
        "Hours are named in UTC",
        arguments: [
            (0, "1970010100"), (951_782_400, "2000022900"), (951_868_799, "2000022923"), (1_800_000_000, "2027011508"),
            (4_107_542_399, "2100022823"), (4_107_542_400, "2100030100"),
        ]
    )
    func names(_ seconds: Int, _ name: String) {
        #expect(RequestTally.Batch(number: 1, hour: seconds / 3_600, amounts: [:]).hourName == name)
    }

    @LoopActor private func counts(_ redis: RedisClient) async throws -> [String: Int] {
        try await redis.command(["HGETALL", .text(Self.hour)]).fields.compactMapValues { Int($0) }
    }
}
