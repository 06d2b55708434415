import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

/// Many charges of one key in one turn of the loop: one call, decided one after the other.
@Suite("Limits in batches", .onLoop, .timeLimit(.minutes(1)))
struct LimitBatchTests {
    private static let digest = Charge.someDigest

    @Test("Within one call some are admitted and some refused, in their order, each with what those before it left")
    @LoopActor func order() async throws {
        let server = try RedisServer()
        let worker = try await LimitWorker(server)
        let limits = KeyLimits(
            requestsPerMinute: 5,
            tokensPerMinute: 1_000,
            budgets: [Budget(amount: 10_000, unit: .money, window: .total)]
        )
        let asked = [
            Charge.some(400, cost: 1_000), .some(700), .some(500, cost: 9_000), .some(50, cost: 1), .some(100),
            .some(1), .some(0), .some(0), .some(0),
        ]
        try await worker.warm(limits)
        let commands = worker.redis.statistics.commands
        let results = await worker.reserveAtOnce(asked, limits)
        #expect(worker.redis.statistics.commands == commands + 1)
        let codes = results.map { result -> GatewayError.Code? in
            if case .failure(let error) = result { error.code } else { nil }
        }
        // 400 fit, 700 more do not, 500 do; then no money is left for any; the ninth is the one request too many.
        #expect(
            codes == [
                nil, .rateLimitExceeded, nil, .budgetExhausted, .budgetExhausted, .budgetExhausted, .budgetExhausted,
                .budgetExhausted, .budgetExhausted,
            ]
        )
        let left = results.map { try? $0.get()?.tokens?.remaining }
        #expect(left == [600, nil, 100, nil, nil, nil, nil, nil, nil])
        // One call for all of what ends and one for all of what begins, and the room is there for those that begin.
        for charge in [asked[0], asked[2]] { worker.limits.settle(charge, tokens: 10, cost: 5) }
        let next = await worker.reserveAtOnce(Array(repeating: (), count: 4).map { .some(10, cost: 100) }, limits)
        #expect(worker.redis.statistics.commands == commands + 3)
        let requests = next.map { try? $0.get()?.requests?.remaining }
        #expect(requests == [2, 1, 0, nil], "two of five requests were used before")
        let usage = try await worker.usage(Self.digest, limits)
        #expect(usage.requests.used == 5 && usage.tokens.used == 50 && usage.open.used == 3)
        #expect(usage.budgets[0].spent == 10 && usage.budgets[0].reserved == 300)
        worker.close()
        server.stop()
    }

    @Test("A charge that comes twice in one call, to be enlarged, is counted once")
    @LoopActor func enlarged() async throws {
        let server = try RedisServer()
        let worker = try await LimitWorker(server)
        let limits = KeyLimits(requestsPerMinute: 10, tokensPerMinute: 1_000, concurrentStreams: 1)
        let charge = Charge.some(300)
        let larger = Charge(id: charge.id, digest: charge.digest, tokens: 500, cost: 0, isStream: false)
        let results = await worker.reserveAtOnce([charge, larger, charge, .some(1)], limits)
        #expect(results.map { (try? $0.get()) != nil } == [true, true, true, false], "one place")
        var usage = try await worker.usage(Self.digest, limits)
        #expect(usage.requests.used == 1 && usage.tokens.used == 500 && usage.open.used == 1)
        worker.limits.settle(larger, tokens: 70, cost: 0)
        worker.limits.settle(charge, tokens: 70, cost: 0)
        usage = try await worker.usage(Self.digest, limits)
        #expect(usage.tokens.used == 70 && usage.open.used == 0)
        worker.close()
        server.stop()
    }

    @Test("Bursts from four workers pass no limit by one unit, admit in order, and add up in the end")
    @LoopActor func bursts() async throws {
        let server = try RedisServer()
        let limits = KeyLimits(
            requestsPerMinute: 900,
            concurrentStreams: 37,
            budgets: [Budget(amount: 400_000, unit: .tokens, window: .month)]
        )
        var workers: [LimitWorker] = []
        for _ in 0..<4 { workers.append(try await LimitWorker(server)) }
        let book = BatchBook()
        var lanes: [Task<Void, Never>] = []
        for (number, worker) in workers.enumerated() {
            lanes.append(
                Task { @LoopActor in
                    var random = SeededGenerator(seed: UInt64(number))
                    for _ in 0..<60 { await book.burst(worker, limits, &random) }
                }
            )
        }
        for lane in lanes { await lane.value }
        for worker in workers { await worker.limits.drain() }
        let usage = try await workers[0].usage(Self.digest, limits)
        print(
            "bursts: \(book.admitted) admitted, \(book.refused) refused, at most \(book.mostOpen) of 37 open,",
            terminator: " "
        )
        print("\(book.mixed) bursts with both")
        #expect((20...37).contains(book.mostOpen) && book.admitted <= 900 && book.tokens <= 400_000)
        #expect(book.mixed > 20 && book.refused > 0)
        #expect(usage.requests.used == book.admitted && usage.open.used == 0)
        #expect(usage.budgets[0].spent == book.tokens && usage.budgets[0].reserved == 0)
        for worker in workers { worker.close() }
        server.stop()
    }

    @Test("More than a call takes is spread over several, and a change of limits begins another")
    @LoopActor func sizes() async throws {
        let server = try RedisServer()
        let worker = try await LimitWorker(server)
        let limits = KeyLimits(requestsPerMinute: 1_000)
        try await worker.warm(limits)
        let commands = worker.redis.statistics.commands
        let many = (0..<(2 * RateLimits.batchLimit + 1)).map { _ in Charge.some(1) }
        #expect(await worker.reserveAtOnce(many, limits).allSatisfy { (try? $0.get()) != nil })
        #expect(worker.redis.statistics.commands == commands + 3)
        for charge in many { worker.limits.settle(charge, tokens: 1, cost: 0) }
        await worker.limits.drain()
        #expect(worker.redis.statistics.commands == commands + 7, "three, and the question whether all is through")
        async let few = worker.reserveAtOnce([.some(1)], KeyLimits(requestsPerMinute: 1))
        async let plenty = worker.reserveAtOnce([.some(1)], limits)
        let results = await (few, plenty)
        #expect((try? results.0[0].get()) == nil && (try? results.1[0].get()) != nil)
        worker.close()
        server.stop()
    }
}

extension LimitWorker {
    /// Reserves all of them in one turn of the loop; the results in the same order.
    func reserveAtOnce(_ charges: [Charge], _ limits: KeyLimits) async -> [Result<RateStatus?, GatewayError>] {
        await withCheckedContinuation { continuation in
            var results: [Result<RateStatus?, GatewayError>] = []
            for charge in charges {
                self.limits.reserve(charge, limits) { result in
                    results.append(result)
                    if results.count == charges.count { continuation.resume(returning: results) }
                }
            }
        }
    }

    /// Lets Redis and the client know the scripts, by a key of its own.
    func warm(_ limits: KeyLimits) async throws {
        let charge = Charge.some(1, digest: String(repeating: "d", count: 64))
        try await reserve(charge, limits)
        self.limits.settle(charge, tokens: 1, cost: 0)
        await self.limits.drain()
    }
}

/// What bursts were told, and what they used.
@LoopActor
private final class BatchBook {
    private(set) var admitted = 0
    private(set) var refused = 0
    private(set) var mixed = 0
    private(set) var mostOpen = 0
    private(set) var tokens = 0
    private var open = 0

    func burst(_ worker: LimitWorker, _ limits: KeyLimits, _ random: inout SeededGenerator) async {
        let charges = (0..<Int.random(in: 1...30, using: &random)).map { _ in
            Charge.some(.random(in: 1...500, using: &random))
        }
        let results = await worker.reserveAtOnce(charges, limits)
        let running = zip(charges, results).filter { (try? $0.1.get()) != nil }.map(\.0)
        admitted += running.count
        refused += charges.count - running.count
        if !running.isEmpty, running.count < charges.count { mixed += 1 }
        open += running.count
        mostOpen = max(mostOpen, open)
        let left = results.compactMap { try? $0.get()?.requests?.remaining }
        #expect(left == left.sorted(by: >) && Set(left).count == left.count, "each found one request less")
        // Some end at once, others when other workers have had their turn.
        if Bool.random(using: &random) { _ = try? await worker.redis.command(["PING"]) }
        for charge in running {
            open -= 1
            let used = Int.random(in: 0...charge.tokens, using: &random)
            tokens += used
            worker.limits.settle(charge, tokens: used, cost: 0)
        }
    }
}
