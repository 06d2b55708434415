import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

/// What limits cost: counted where it must not change, printed where it depends on the machine.
@Suite("Cost of limits", .onLoop, .timeLimit(.minutes(1)))
struct LimitCostTests {
    @Test("A request costs one command to reserve and one to settle, and a long one no more until its lease is renewed")
    @LoopActor func commands() async throws {
        let server = try RedisServer()
        let worker = try await LimitWorker(server)
        let plain = KeyLimits(requestsPerMinute: 1_000_000, tokensPerMinute: 1_000_000_000, concurrentStreams: 100)
        var full = plain
        full.budgets = [
            Budget(amount: 1_000_000_000_000, unit: .money, window: .month),
            Budget(amount: 1_000_000_000, unit: .tokens, window: .day),
        ]
        let idle = try await serverTime(worker.redis)
        for _ in 0..<6_000 { _ = try await worker.redis.command(["INCR", "count"]) }
        print(
            "for comparison: CPU of Redis \((try await serverTime(worker.redis) - idle) / 3_000) µs for two plain commands"
        )
        for (name, limits) in [("rates", plain), ("rates and two budgets", full)] {
            // Loads the scripts, and the window gets a past.
            try await run(worker, limits, count: 50)
            let busy = try await serverTime(worker.redis)
            let before = worker.redis.statistics.commands
            let times = try await run(worker, limits, count: 3_000).sorted()
            #expect(worker.redis.statistics.commands == before + 6_001, "and the question whether all is through")
            let microseconds = try await serverTime(worker.redis) - busy
            print(
                "\(name): reserve p50 \(times[times.count / 2]) µs, p99 \(times[times.count * 99 / 100]) µs;",
                "CPU of Redis \(microseconds / 3_000) µs a request"
            )
        }
        worker.close()
        server.stop()
    }

    /// Returns the microseconds each reservation took.
    @LoopActor @discardableResult
    private func run(_ worker: LimitWorker, _ limits: KeyLimits, count: Int) async throws -> [Int] {
        var times: [Int] = []
        for _ in 0..<count {
            let charge = Charge.some(100, cost: 1_000)
            let start = LoopClock.now
            try await worker.reserve(charge, limits)
            times.append(Int(LoopClock.now.milliseconds(since: start) * 1_000))
            worker.limits.settle(charge, tokens: 90, cost: 900)
        }
        await worker.limits.drain()
        return times
    }

    /// What Redis has used of its processor so far, in microseconds: unlike times on a clock it hardly depends on what
    /// else the machine does.
    @LoopActor private func serverTime(_ redis: RedisClient) async throws -> Int {
        let info = try await redis.command(["INFO", "cpu"]).text ?? ""
        return info.split(separator: "\r\n").reduce(0) { sum, line in
            guard line.hasPrefix("used_cpu_user:") || line.hasPrefix("used_cpu_sys:") else { return sum }
            return sum + Int((Double(line.split(separator: ":").last ?? "") ?? 0) * 1_000_000)
        }
    }
}
