import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

/// Several workers at once, and workers that die.
@Suite("Limits under races", .onLoop, .timeLimit(.minutes(1)))
struct LimitRaceTests {
    private static let digest = Charge.someDigest

    @Test("Four workers at once never pass the limits of a window, whichever stretch is looked at")
    @LoopActor func slidingWindows() async throws {
        let server = try RedisServer()
        let window = 400
        let limits = KeyLimits(requestsPerMinute: 60, tokensPerMinute: 1_000)
        var workers: [LimitWorker] = []
        for _ in 0..<4 {
            workers.append(
                try await LimitWorker(server) {
                    $0.window = .milliseconds(400)
                    $0.parts = 20
                }
            )
        }
        let log = Admissions()
        let end = LoopClock.now.advanced(by: .seconds(3))
        var lanes: [Task<Void, Never>] = []
        for (number, worker) in workers.enumerated() {
            for lane in 0..<4 {
                lanes.append(
                    Task { @LoopActor in
                        var random = SeededGenerator(seed: UInt64(number * 4 + lane))
                        while LoopClock.now < end {
                            let charge = Charge.some(.random(in: 1...40, using: &random))
                            let before = LoopClock.now
                            do throws(GatewayError) {
                                try await worker.reserve(charge, limits)
                            } catch {
                                log.refusals += 1
                                #expect(error.code == .rateLimitExceeded)
                                continue
                            }
                            log.admitted.append(.init(before: before, after: LoopClock.now, tokens: charge.tokens))
                        }
                    }
                )
            }
        }
        for lane in lanes { await lane.value }
        let (requests, tokens) = log.most(withinMilliseconds: window)
        print("windows of \(window) ms: \(log.admitted.count) admitted, \(log.refusals) refused,", terminator: " ")
        print("at most \(requests) of 60 requests and \(tokens) of 1000 tokens in any window")
        #expect(requests <= 60 && tokens <= 1_000)
        #expect(requests > 30 || tokens > 900, "the limit is used")
        #expect(log.admitted.count > 100 && log.refusals > 200)
        for worker in workers { worker.close() }
        server.stop()
    }

    @Test("Open requests and budgets are never passed by one unit, and the sums are exact in the end")
    @LoopActor func placesAndBudgets() async throws {
        let server = try RedisServer()
        let limits = KeyLimits(
            concurrentStreams: 7,
            budgets: [
                Budget(amount: 70_000, unit: .money, window: .total),
                Budget(amount: 30_000, unit: .tokens, window: .month),
            ]
        )
        var workers: [LimitWorker] = []
        for _ in 0..<4 { workers.append(try await LimitWorker(server)) }
        let book = Book()
        var lanes: [Task<Void, Never>] = []
        for (number, worker) in workers.enumerated() {
            for lane in 0..<4 {
                lanes.append(
                    Task { @LoopActor in
                        var random = SeededGenerator(seed: UInt64(100 + number * 4 + lane))
                        for _ in 0..<800 { await book.run(worker, limits, &random) }
                    }
                )
            }
        }
        for lane in lanes { await lane.value }
        for worker in workers { await worker.limits.drain() }
        let usage = try await workers[0].usage(Self.digest, limits)
        print("\(book.admitted) admitted, \(book.busy) found no place, \(book.exhausted) no budget;", terminator: " ")
        print("at most \(book.mostOpen) of 7 open; spent \(book.cost) of 70000 and \(book.tokens) of 30000")
        #expect(book.mostOpen == 7 && book.cost <= 70_000 && book.tokens <= 30_000)
        #expect(book.busy > 0 && book.exhausted > 0 && book.admitted > 0)
        #expect(usage.budgets.map(\.spent) == [book.cost, book.tokens])
        #expect(usage.budgets.map(\.reserved) == [0, 0] && usage.open.used == 0)
        for worker in workers { worker.close() }
        server.stop()
    }

    @Test("What a killed worker had reserved comes back, and what it used nevertheless still counts")
    @LoopActor func death() async throws {
        let server = try RedisServer()
        let limits = KeyLimits(
            tokensPerMinute: 1_000,
            concurrentStreams: 4,
            budgets: [Budget(amount: 1_000, unit: .money, window: .total)]
        )
        let shorten: (inout RateLimits.Options) -> Void = { $0.lease = .milliseconds(200) }
        let doomed = try await LimitWorker(server, shorten)
        let living = try await LimitWorker(server, shorten)
        var charges: [Charge] = []
        for _ in 0..<3 {
            charges.append(.some(300, cost: 300))
            try await doomed.reserve(charges[charges.count - 1], limits)
        }
        let own = Charge.some(50, cost: 50)
        try await living.reserve(own, limits)
        #expect(await living.refusal(.some(1), limits)?.message.contains("at once") == true)
        doomed.limits.close()
        try await eventually("only the living worker's charge is left") {
            let usage = try await living.usage(Self.digest, limits)
            return usage.open.used == 1 && usage.tokens.used == 50 && usage.budgets[0].reserved == 50
        }
        // Long after its first lease the living worker still has what it reserved.
        let renewals = living.redis.statistics.commands
        await eventually("the lease is renewed") { living.redis.statistics.commands > renewals + 4 }
        #expect(try await living.usage(Self.digest, limits).open.used == 1)
        // The connection of the killed worker is still there: one of its charges is settled late, one twice.
        doomed.limits.settle(charges[0], tokens: 250, cost: 200)
        doomed.limits.settle(charges[0], tokens: 250, cost: 200)
        await doomed.limits.drain()
        let usage = try await living.usage(Self.digest, limits)
        #expect(usage.tokens.used == 300 && usage.budgets[0].spent == 200 && usage.open.used == 1)
        doomed.close()
        living.close()
        server.stop()
    }

    @Test("A worker that was away for longer than its leases takes its charges back")
    @LoopActor func pause() async throws {
        let server = try RedisServer()
        let limits = KeyLimits(
            tokensPerMinute: 1_000,
            concurrentStreams: 1,
            budgets: [Budget(amount: 1_000, unit: .money, window: .total)]
        )
        let worker = try await LimitWorker(server) { $0.lease = .milliseconds(150) }
        let other = try await LimitWorker(server)
        let charge = Charge.some(300, cost: 300)
        try await worker.reserve(charge, limits)
        // Everything that was reserved is lost, as after a failover to a replica that lagged.
        _ = try await other.redis.command(["FLUSHALL"])
        try await eventually("the charge is back") {
            let usage = try await other.usage(Self.digest, limits)
            return usage.open.used == 1 && usage.tokens.used == 300 && usage.budgets[0].reserved == 300
        }
        worker.limits.settle(charge, tokens: 10, cost: 20)
        await worker.limits.drain()
        let usage = try await other.usage(Self.digest, limits)
        #expect(usage.open.used == 0 && usage.tokens.used == 10)
        #expect(usage.budgets[0] == .init(budget: limits.budgets[0], spent: 20, reserved: 0, ends: nil))
        worker.close()
        other.close()
        server.stop()
    }
}

/// What was admitted when, for looking at every stretch of time afterwards.
@LoopActor
private final class Admissions {
    struct Entry {
        /// Redis decided between these two moments.
        let before: Instant
        let after: Instant
        let tokens: Int
    }

    var admitted: [Entry] = []
    var refusals = 0

    /// The most requests and the most tokens that certainly fell into one window.
    func most(withinMilliseconds window: Int) -> (requests: Int, tokens: Int) {
        let entries = admitted.sorted { $0.after < $1.after }
        var most = (requests: 0, tokens: 0)
        for start in entries.map(\.before) {
            let inside = entries.filter { $0.before >= start && $0.after.milliseconds(since: start) <= Double(window) }
            most.requests = max(most.requests, inside.count)
            most.tokens = max(most.tokens, inside.reduce(0) { $0 + $1.tokens })
        }
        return most
    }
}

/// The test's own count of what was admitted and used.
@LoopActor
private final class Book {
    var admitted = 0
    var busy = 0
    var exhausted = 0
    var openNow = 0
    var mostOpen = 0
    var cost = 0
    var tokens = 0

    func run(_ worker: LimitWorker, _ limits: KeyLimits, _ random: inout SeededGenerator) async {
        let charge = Charge.some(.random(in: 1...60, using: &random), cost: .random(in: 1...200, using: &random))
        if let refusal = await worker.refusal(charge, limits) {
            if refusal.code == .budgetExhausted { exhausted += 1 } else { busy += 1 }
            return
        }
        admitted += 1
        openNow += 1
        mostOpen = max(mostOpen, openNow)
        for _ in 0..<Int.random(in: 0...3, using: &random) { await Task.yield() }
        openNow -= 1
        if Int.random(in: 0..<5, using: &random) == 0 {
            worker.limits.release(charge)
        } else {
            let used = (
                tokens: Int.random(in: 0...charge.tokens, using: &random), cost: Int.random(in: 0...charge.cost)
            )
            tokens += used.tokens
            cost += used.cost
            worker.limits.settle(charge, tokens: used.tokens, cost: used.cost)
        }
    }
}
