import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

@Suite("Limits", .onLoop, .timeLimit(.minutes(1)))
struct LimitTests {
    @Test("Requests and tokens are counted, told in headers, and refused at the limit with the time to wait")
    @LoopActor func rates() async throws {
        let server = try RedisServer()
        let worker = try await LimitWorker(server)
        let limits = KeyLimits(requestsPerMinute: 3, tokensPerMinute: 1_000)
        let status = try await worker.reserve(.some(400), limits)
        #expect(status?.requests?.limit == 3 && status?.requests?.remaining == 2)
        #expect(status?.tokens?.limit == 1_000 && status?.tokens?.remaining == 600)
        var lines = ByteBuffer()
        status?.appendHeaders(to: &lines)
        let names = String(decoding: lines.take(), as: UTF8.self).split(separator: "\r\n").map {
            String($0.prefix { $0 != ":" })
        }
        #expect(
            names == [
                "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests",
                "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens",
            ]
        )
        #expect((60_000...61_000).contains(status?.requests?.resetMilliseconds ?? 0))
        let tokens = try #require(await worker.refusal(.some(601), limits))
        #expect(tokens.code == .rateLimitExceeded && tokens.source == .client && tokens.status == 429)
        #expect((60...61).contains(tokens.retryAfter ?? 0))
        #expect(tokens.message.contains("limit 1000 per minute, used 400, requested 601"))
        #expect(worker.limits.status(of: Charge.someDigest)?.tokens?.remaining == 600)
        try await worker.reserve(.some(600), limits)
        try await worker.reserve(.some(0), limits)
        let requests = try #require(await worker.refusal(.some(0), limits))
        #expect(requests.message.contains("limit 3 per minute, used 3, requested 1"))
        #expect((59...61).contains(requests.retryAfter ?? 0))
        #expect(try await worker.usage(Charge.someDigest, limits).requests == .init(used: 3, limit: 3))
        worker.close()
        server.stop()
    }

    @Test("What can never pass is refused without asking Redis, and so is nothing that has no limits")
    @LoopActor func withoutRedis() async throws {
        let server = try RedisServer()
        let worker = try await LimitWorker(server)
        let before = worker.redis.statistics.commands
        var outcomes: [Result<RateStatus?, GatewayError>] = []
        worker.limits.reserve(.some(1_001), KeyLimits(tokensPerMinute: 1_000)) { outcomes.append($0) }
        worker.limits.reserve(.some(5), KeyLimits()) { outcomes.append($0) }
        #expect(outcomes.count == 2)
        if case .failure(let error) = outcomes[0] {
            #expect(error.code == .rateLimitExceeded && error.retryAfter == nil)
            #expect(error.message.contains("limit 1000 tokens per minute, requested 1001"))
        } else {
            Issue.record("too large a request was admitted")
        }
        if case .success(let status) = outcomes[1] { #expect(status == nil) } else { Issue.record("refused") }
        #expect(worker.redis.statistics.commands == before)
        worker.close()
        server.stop()
    }

    @Test("Settling puts the real use in place of the estimate; too much of it keeps others waiting")
    @LoopActor func settling() async throws {
        let server = try RedisServer()
        let worker = try await LimitWorker(server)
        let limits = KeyLimits(
            tokensPerMinute: 1_000,
            budgets: [
                Budget(amount: 10_000, unit: .money, window: .total),
                Budget(amount: 5_000, unit: .tokens, window: .day),
            ]
        )
        let cheap = Charge.some(800, cost: 4_000)
        try await worker.reserve(cheap, limits)
        var usage = try await worker.usage(Charge.someDigest, limits)
        #expect(usage.budgets.map(\.reserved) == [4_000, 800] && usage.budgets.map(\.spent) == [0, 0])
        worker.limits.settle(cheap, tokens: 100, cost: 500)
        usage = try await worker.usage(Charge.someDigest, limits)
        #expect(usage.tokens.used == 100 && usage.open.used == 0)
        #expect(usage.budgets.map(\.reserved) == [0, 0] && usage.budgets.map(\.spent) == [500, 100])
        let dear = Charge.some(100, cost: 100)
        try await worker.reserve(dear, limits)
        worker.limits.settle(dear, tokens: 1_500, cost: 9_600)
        usage = try await worker.usage(Charge.someDigest, limits)
        #expect(usage.tokens == .init(used: 1_600, limit: 1_000) && usage.tokens.remaining == 0)
        #expect(usage.budgets.map(\.spent) == [10_100, 1_600] && usage.budgets[0].remaining == 0)
        let exhausted = try #require(await worker.refusal(.some(1, cost: 0), limits))
        #expect(exhausted.code == .budgetExhausted && exhausted.status == 402 && exhausted.retryAfter == nil)
        #expect(exhausted.message.contains("$0.000010 in total, $0.000010 spent or reserved, $0.000000 requested"))
        let debt = try #require(await worker.refusal(.some(1), KeyLimits(tokensPerMinute: 1_000)))
        #expect(debt.code == .rateLimitExceeded && (60...61).contains(debt.retryAfter ?? 0))
        try await worker.limits.resetBudget(Charge.someDigest, limits.budgets[0])
        #expect(try await worker.usage(Charge.someDigest, limits).budgets.map(\.spent) == [0, 1_600])
        // The key is removed while one of its requests runs.
        let last = Charge.some(100, cost: 100)
        try await worker.limits.resetBudget(Charge.someDigest, limits.budgets[1])
        try await worker.reserve(last, KeyLimits(budgets: limits.budgets))
        try await worker.limits.forget(Charge.someDigest)
        worker.limits.settle(last, tokens: 100, cost: 100)
        await worker.limits.drain()
        for name in try await worker.redis.command(["KEYS", "*"]).elements.compactMap(\.text) {
            let life = try await worker.redis.command(["TTL", .text(name)]).int ?? -1
            #expect(life > 0, "\(name) would stay for good")
        }
        worker.close()
        server.stop()
    }

    @Test("Each charge counts once, whoever settles or releases it, however often and in whatever order")
    @LoopActor func idempotence() async throws {
        let server = try RedisServer()
        let here = try await LimitWorker(server)
        let there = try await LimitWorker(server)
        let limits = KeyLimits(
            requestsPerMinute: 100,
            tokensPerMinute: 10_000,
            concurrentStreams: 10,
            budgets: [Budget(amount: 1_000_000, unit: .money, window: .month)]
        )
        let charge = Charge.some(100, cost: 1_000)
        try await here.reserve(charge, limits)
        try await here.reserve(charge, limits)
        var usage = try await here.usage(Charge.someDigest, limits)
        #expect(usage.requests.used == 1 && usage.tokens.used == 100 && usage.open.used == 1)
        #expect(usage.budgets[0].reserved == 1_000)
        // A candidate that costs more enlarges the charge.
        let larger = Charge(id: charge.id, digest: charge.digest, tokens: 150, cost: 1_800, isStream: false)
        try await there.reserve(larger, limits)
        usage = try await here.usage(Charge.someDigest, limits)
        #expect(usage.requests.used == 1 && usage.tokens.used == 150 && usage.budgets[0].reserved == 1_800)
        for worker in [here, there, here] { worker.limits.settle(larger, tokens: 120, cost: 1_500) }
        await here.limits.drain()
        usage = try await there.usage(Charge.someDigest, limits)
        #expect(usage.tokens.used == 120 && usage.open.used == 0)
        #expect(usage.budgets[0].spent == 1_500 && usage.budgets[0].reserved == 0)
        #expect((usage.budgets[0].ends ?? 0) > 1_700_000_000)

        let unused = Charge.some(500, cost: 9_000)
        try await here.reserve(unused, limits)
        here.limits.release(unused)
        here.limits.release(unused)
        usage = try await here.usage(Charge.someDigest, limits)
        #expect(usage.requests.used == 1 && usage.tokens.used == 120 && usage.budgets[0].reserved == 0)
        here.limits.settle(unused, tokens: 7, cost: 70)
        here.limits.settle(unused, tokens: 7, cost: 70)
        usage = try await here.usage(Charge.someDigest, limits)
        #expect(usage.requests.used == 2 && usage.tokens.used == 127 && usage.budgets[0].spent == 1_570)
        here.close()
        there.close()
        server.stop()
    }

    @Test("A budget of a period begins again when the period is over")
    @LoopActor func periods() async throws {
        let server = try RedisServer()
        let worker = try await LimitWorker(server)
        let limits = KeyLimits(budgets: [
            Budget(amount: 100, unit: .money, window: .day), Budget(amount: 500, unit: .money, window: .month),
            Budget(amount: 1_000, unit: .tokens, window: .total),
        ])
        let charge = Charge.some(10, cost: 100)
        try await worker.reserve(charge, limits)
        let blocked = try #require(await worker.refusal(.some(10, cost: 1), limits))
        #expect(blocked.code == .budgetExhausted && blocked.retryAfter == 1, "what is reserved may come back")
        worker.limits.settle(charge, tokens: 10, cost: 100)
        let exhausted = try #require(await worker.refusal(.some(10, cost: 1), limits))
        #expect((1...86_400).contains(exhausted.retryAfter ?? 0), "the day ends before long")
        let usage = try await worker.usage(Charge.someDigest, limits)
        let now = try #require(try await worker.redis.command(["TIME"]).elements.first?.int)
        #expect(usage.budgets[0].ends == (now / 86_400 + 1) * 86_400)
        #expect((now..<now + 31 * 86_400 + 1).contains(usage.budgets[1].ends ?? 0))
        // As if the day had ended a second ago.
        let name = "millrace:{limit:\(Charge.someDigest.prefix(16))}:budgets"
        _ = try await worker.redis.command(["HSET", .text(name), "day.ends", .integer(now - 1)])
        try await worker.reserve(.some(10, cost: 60), limits)
        let later = try await worker.usage(Charge.someDigest, limits)
        #expect(later.budgets.map(\.spent) == [0, 100, 10] && later.budgets[0].reserved == 60)
        worker.close()
        server.stop()
    }

    @Test("The end of a month is found in the script as by the calendar", arguments: [1_769_904_000, 4_107_542_400])
    @LoopActor func calendar(_ start: Int) async throws {
        let server = try RedisServer()
        let worker = try await LimitWorker(server)
        let source = String(decoding: StateScripts.readLimits.source, as: UTF8.self)
        let body = try #require(source.firstRange(of: "-- Reads what budgets have spent"))
        // The common part up to the calendar, with another clock.
        let script =
            source[..<body.lowerBound].replacing("redis.call('TIME')", with: "{ARGV[1], '0'}")
            + "return ending('month')"
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        var year = start == 1_769_904_000 ? 2026 : 2100
        var month = start == 1_769_904_000 ? 1 : 2
        var first = start
        for _ in 0..<60 {
            let isLeap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
            let end = first + (lengths[month] + (month == 1 && isLeap ? 1 : 0)) * 86_400
            for moment in [first, end - 1] {
                let reply = try await worker.redis.command(["EVAL", .text(String(script)), 0, .integer(moment)])
                #expect(reply.int == end, "\(year)-\(month + 1)")
            }
            first = end
            month = (month + 1) % 12
            if month == 0 { year += 1 }
        }
        worker.close()
        server.stop()
    }

    @Test("Every key of one API key has the same hash tag and a lifetime, except what a budget has spent")
    @LoopActor func lifetimes() async throws {
        let server = try RedisServer()
        let worker = try await LimitWorker(server) { $0.lease = .milliseconds(40) }
        let limits = KeyLimits(
            requestsPerMinute: 10,
            tokensPerMinute: 100,
            budgets: [Budget(amount: 100, unit: .tokens, window: .total)]
        )
        let settled = Charge.some(1)
        try await worker.reserve(settled, limits)
        worker.limits.settle(settled, tokens: 1, cost: 0)
        try await worker.reserve(.some(1), limits)
        let other = try await LimitWorker(server)
        worker.close()
        try await eventually("the lease of the dead worker ends") {
            try await other.usage(Charge.someDigest, limits).open.used == 0
        }
        try await other.reserve(.some(1), limits)
        let names = try await other.redis.command(["KEYS", "*"]).elements.compactMap(\.text).sorted()
        let tag = "millrace:{limit:abababababababab}:"
        #expect(
            names == ["budgets", "charges", "done", "ended", "open", "window"].map { tag + $0 }
        )
        for name in names {
            let ttl = try #require(try await other.redis.command(["TTL", .text(name)]).int)
            if name.hasSuffix("budgets") { #expect(ttl == -1) } else { #expect((1...3_600).contains(ttl), "\(name)") }
        }
        other.close()
        server.stop()
    }

    @Test(
        "Times to wait are written as clients know them",
        arguments: [
            (0, "0s"), (6, "6ms"), (1_000, "1s"), (59_001, "1m0s"), (360_000, "6m0s"), (3_661_000, "1h1m1s"),
        ]
    )
    func durations(_ milliseconds: Int, _ text: String) {
        #expect(RateStatus.text(milliseconds: milliseconds) == text)
    }
}
