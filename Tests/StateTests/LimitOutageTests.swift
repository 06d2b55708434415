import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

/// What limits do while Redis is away, and how everything is counted afterwards.
@Suite("Limits without Redis", .onLoop, .timeLimit(.minutes(1)))
struct LimitOutageTests {
    private static let digest = Charge.someDigest

    @Test("Rates stay open with a local share, and everything is counted when Redis is back")
    @LoopActor func share() async throws {
        let server = try RedisServer()
        let worker = try await LimitWorker(server, workers: 4)
        let limits = KeyLimits(requestsPerMinute: 20, tokensPerMinute: 1_000, concurrentStreams: 8)
        let before = Charge.some(100)
        try await worker.reserve(before, limits)
        server.kill()
        await eventually("the loss is noticed") { !worker.redis.isReady }
        var admitted: [Charge] = []
        var codes: Set<GatewayError.Code> = []
        for _ in 0..<30 {
            let charge = Charge.some(30)
            if let refusal = await worker.refusal(charge, limits) {
                codes.insert(refusal.code)
                #expect((refusal.retryAfter ?? 0) > 0)
            } else {
                admitted.append(charge)
            }
            // One place of two for this worker is taken already.
            if let last = admitted.last { worker.limits.settle(last, tokens: 30, cost: 0) }
        }
        // A quarter of 20 requests and of 1,000 tokens; one request and 100 tokens were used before.
        #expect(admitted.count == 4 && codes == [.rateLimitExceeded])
        #expect(
            worker.limits.status(of: Self.digest)?.requests == .init(limit: 5, remaining: 0, resetMilliseconds: 60_000)
        )
        #expect(worker.limits.waitingCount == 4 && worker.limits.statistics.localDecisions == 30)
        try server.start()
        try await eventually("everything is counted") {
            guard worker.limits.waitingCount == 0, worker.redis.isReady else { return false }
            return try await worker.usage(Self.digest, limits).tokens.used == 120
        }
        let usage = try await worker.usage(Self.digest, limits)
        #expect(usage.requests.used == 4, "the new Redis began with nothing")
        let status = try await worker.reserve(.some(1), limits)
        #expect(status?.requests?.limit == 20 && status?.requests?.remaining == 15)
        worker.close()
        server.stop()
    }

    @Test("Budgets stay open only below their amount, as last heard of, and are closed for keys nobody has heard of")
    @LoopActor func budgets() async throws {
        let server = try RedisServer()
        let worker = try await LimitWorker(server)
        let limits = KeyLimits(budgets: [Budget(amount: 1_000, unit: .money, window: .total)])
        let charge = Charge.some(1, cost: 400)
        try await worker.reserve(charge, limits)
        server.kill()
        await eventually("the loss is noticed") { !worker.redis.isReady }
        let local = Charge.some(1, cost: 500)
        try await worker.reserve(local, limits)
        let closed = try #require(await worker.refusal(.some(1, cost: 200), limits))
        #expect(closed.code == .stateUnavailable && closed.status == 503 && closed.retryAfter == 1)
        let stranger = Charge.some(1, cost: 1, digest: String(repeating: "c", count: 64))
        #expect(await worker.refusal(stranger, limits)?.code == .stateUnavailable)
        worker.limits.settle(local, tokens: 1, cost: 450)
        worker.limits.settle(charge, tokens: 1, cost: 300)
        try server.start()
        try await eventually("both are counted by a Redis that knew neither") {
            guard worker.redis.isReady, worker.limits.waitingCount == 0 else { return false }
            return try await worker.usage(Self.digest, limits).budgets[0].spent == 750
        }
        worker.close()
        server.stop()
    }

    @Test("A settlement of unknown fate is counted once, and so is a reservation that was given up")
    @LoopActor func unknownFate() async throws {
        let server = try RedisServer()
        let worker = try await LimitWorker(server, workers: 1) { $0.lease = .seconds(60) }
        let other = try await LimitWorker(server)
        let limits = KeyLimits(
            requestsPerMinute: 100,
            tokensPerMinute: 10_000,
            concurrentStreams: 50,
            budgets: [Budget(amount: 1_000_000, unit: .money, window: .total)]
        )
        // All scripts are known to the client, so that each command is one step.
        let first = Charge.some(1, cost: 1)
        try await worker.reserve(first, limits)
        worker.limits.settle(first, tokens: 1, cost: 1)
        let charges = (0..<5).map { _ in Charge.some(100, cost: 1_000) }
        for charge in charges { try await worker.reserve(charge, limits) }
        await worker.limits.drain()
        server.freeze()
        for charge in charges { worker.limits.settle(charge, tokens: 50, cost: 500) }
        // Redis will run this, but its answer comes long after the deadline: the request is admitted here.
        let late = Charge.some(100, cost: 1_000)
        try await worker.reserve(late, limits)
        #expect(worker.limits.statistics.localDecisions == 1)
        await eventually("the settlements have failed") { worker.redis.statistics.timeouts >= 2 }
        worker.limits.settle(late, tokens: 70, cost: 700)
        server.thaw()
        await eventually("all are through") { worker.limits.waitingCount == 0 && worker.redis.isReady }
        try await eventually("each has counted once") {
            let usage = try await other.usage(Self.digest, limits)
            return usage.budgets[0].spent == 5 * 500 + 700 + 1 && usage.open.used == 0
                && usage.tokens.used == 5 * 50 + 70 + 1 && usage.requests.used == 7 && usage.budgets[0].reserved == 0
        }
        worker.close()
        other.close()
        server.stop()
    }

    @Test("With its memory full Redis still counts what is settled, and new requests get the local share")
    @LoopActor func fullMemory() async throws {
        let server = try RedisServer()
        let worker = try await LimitWorker(server, workers: 2)
        let limits = KeyLimits(requestsPerMinute: 10, tokensPerMinute: 1_000)
        let charge = Charge.some(300)
        // A script that drops an old sub-window has written before its memory is looked at, and may go on: none ends here.
        try await eventually("a second has just begun") {
            let time = try await worker.redis.command(["TIME"]).elements
            return (time[1].text.flatMap { Int($0) } ?? 0) < 300_000
        }
        try await worker.reserve(charge, limits)
        _ = try await worker.usage(Self.digest, limits)
        _ = try await worker.redis.command(["SCRIPT", "LOAD", .bytes(StateScripts.settleLimits.source)])
        _ = try await worker.redis.command(["CONFIG", "SET", "maxmemory", "1"])
        worker.limits.settle(charge, tokens: 20, cost: 0)
        await worker.limits.drain()
        #expect(worker.limits.statistics.settlements == 1 && worker.limits.waitingCount == 0)
        for _ in 0..<4 { try await worker.reserve(.some(10), limits) }
        #expect(await worker.refusal(.some(10), limits)?.code == .rateLimitExceeded, "the share of five is used up")
        _ = try await worker.redis.command(["CONFIG", "SET", "maxmemory", "0"])
        try await worker.reserve(.some(10), limits)
        let usage = try await worker.usage(Self.digest, limits)
        #expect(usage.requests.used == 2 && usage.tokens.used == 30)
        worker.close()
        server.stop()
    }

    @Test("The scripts are loaded again after Redis has forgotten them, and nothing is lost on the way")
    @LoopActor func flushedScripts() async throws {
        let server = try RedisServer()
        let worker = try await LimitWorker(server)
        let limits = KeyLimits(tokensPerMinute: 1_000_000)
        for round in 0..<20 {
            let charge = Charge.some(10)
            try await worker.reserve(charge, limits)
            if round % 3 == 0 { _ = try await worker.redis.command(["SCRIPT", "FLUSH"]) }
            worker.limits.settle(charge, tokens: 7, cost: 0)
        }
        #expect(try await worker.usage(Self.digest, limits).tokens.used == 140)
        #expect(worker.limits.statistics.localDecisions == 0 && worker.limits.statistics.settlements == 20)
        worker.close()
        server.stop()
    }

    @Test("What waits for Redis is bounded")
    @LoopActor func queue() async throws {
        let server = try RedisServer()
        let worker = try await LimitWorker(server) { $0.queueLimit = 10 }
        server.kill()
        await eventually("the loss is noticed") { !worker.redis.isReady }
        let limits = KeyLimits(tokensPerMinute: 1_000_000)
        for _ in 0..<25 {
            let charge = Charge.some(10)
            try await worker.reserve(charge, limits)
            worker.limits.settle(charge, tokens: 7, cost: 0)
        }
        await eventually("nothing is on its way any more") { worker.limits.statistics.lostSettlements == 15 }
        #expect(worker.limits.waitingCount == 10 && worker.limits.openCount == 0)
        worker.close()
        server.stop()
    }
}
