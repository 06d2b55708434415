import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

@Suite("Account leases", .onLoop, .timeLimit(.minutes(1)))
struct AccountLeaseTests {
    @Test("Turns go round by weight, and across workers")
    @LoopActor func turns() async throws {
        let server = try RedisServer()
        let workers = [
            try await PoolWorker(server) { $0.use = .scripted }, try await PoolWorker(server) { $0.use = .scripted },
        ]
        var weights: [String: Int] = [:]
        for weight in 1...3 {
            let account = try await workers[0].pool.add(credential: "credential \(weight)", weight: weight)
            weights[account.id] = weight
        }
        var served: [String: Int] = [:]
        for round in 0..<120 { served[try await workers[round % 2].pool.serve(), default: 0] += 1 }
        for (id, weight) in weights { #expect(abs(served[id, default: 0] - 20 * weight) <= 1, "weight \(weight)") }
        // An account that comes late, or was away, does not get the turns it has missed.
        let late = try await workers[1].pool.add(credential: "late")
        var lateTurns = 0
        for _ in 0..<14 { lateTurns += try await workers[0].pool.serve() == late.id ? 1 : 0 }
        #expect((1...3).contains(lateTurns))
        for worker in workers { worker.close() }
        server.stop()
    }

    @Test("Without weights the account used least recently is next")
    @LoopActor func leastRecentlyUsed() async throws {
        let server = try RedisServer()
        let worker = try await PoolWorker(server, (0..<5).map { "key \($0)" }) { $0.use = .scripted }
        var order: [String] = []
        for _ in 0..<5 { order.append(try await worker.pool.serve()) }
        #expect(Set(order).count == 5)
        for id in order { #expect(try await worker.pool.serve() == id) }
        // A preferred account is used out of turn, which counts.
        #expect(try await worker.pool.serve(preferring: order[3]) == order[3])
        for id in [order[0], order[1], order[2], order[4], order[0]] {
            #expect(try await worker.pool.serve() == id)
        }
        #expect(try await worker.pool.serve(preferring: order[2], excluding: [order[2], order[1]]) != order[2])
        worker.close()
        server.stop()
    }

    @Test("A limit of concurrency holds for all workers together; ended and expired leases make room")
    @LoopActor func concurrency() async throws {
        let server = try RedisServer()
        let clock = RedisTime()
        let workers = [
            try await PoolWorker(server, clock: clock) { $0.use = .scripted },
            try await PoolWorker(server, clock: clock) { $0.use = .scripted },
        ]
        let limited = try await workers[0].pool.add(credential: "one", concurrency: 2)
        _ = try await workers[0].pool.add(credential: "two", concurrency: 1)
        var leases: [Lease] = []
        for number in 0..<3 { leases.append(try await workers[number % 2].pool.lease(model: "m")) }
        let error = await caught { try await workers[1].pool.lease(model: "m") }
        #expect(error?.code == .upstreamOverloaded && error?.retryAfter == 60)
        #expect(await caughtCode { try await workers[0].pool.lease(model: "m", preferring: limited.id) } != nil)
        let first = try #require(leases.first { $0.account.id == limited.id })
        let owner = leases.firstIndex { $0.id == first.id } ?? 0
        try await workers[owner % 2].pool.reportAndWait(first, .abandoned)
        #expect(try await workers[1].pool.lease(model: "m").account.id == limited.id)
        // A renewed lease holds, the others of workers that have died do not.
        try await clock.advance(59_000, workers[0].redis)
        let kept = leases[owner == 0 ? 1 : 0]
        workers[owner == 0 ? 1 : 0].pool.renew(kept)
        _ = try await workers[owner == 0 ? 1 : 0].redis.command(["PING"])
        try await clock.advance(2_000, workers[0].redis)
        var free = 0
        while (try? await workers[0].pool.lease(model: "m")) != nil { free += 1 }
        #expect(free == 2)
        // The limit is lifted at once.
        _ = try await workers[0].pool.update(limited.id, Account.Changes(concurrency: .some(nil)))
        for _ in 0..<5 { #expect(try await workers[1].pool.lease(model: "m").account.id == limited.id) }
        for worker in workers { worker.close() }
        server.stop()
    }

    @Test("Long calls keep their leases, by themselves")
    @LoopActor func renewal() async throws {
        let server = try RedisServer()
        let worker = try await PoolWorker(server) { options in
            options.use = .scripted
            options.leaseTime = .milliseconds(150)
        }
        let account = try await worker.pool.add(credential: "one", concurrency: 1)
        let lease = try await worker.pool.lease(model: "m")
        let key = RedisArgument.text("millrace:{pool:lab}:leases:\(account.id)")
        let before = try #require(try await worker.redis.command(["ZSCORE", key, .text(lease.id)]).int)
        try await eventually("the lease was renewed beyond two of its lives") {
            (try await worker.redis.command(["ZSCORE", key, .text(lease.id)]).int ?? 0) > before + 300
        }
        #expect(await caughtCode { try await worker.pool.lease(model: "m") } == .upstreamOverloaded)
        try await worker.pool.reportAndWait(lease, .success)
        #expect(worker.pool.openLeases.isEmpty && worker.pool.statistics.inFlight == 0)
        #expect(try await worker.redis.command(["EXISTS", key]).int == 0)
        worker.close()
        server.stop()
    }

    @Test("A disabled account is not leased, an enabled one is, a removed one is gone; mirrors follow")
    @LoopActor func administration() async throws {
        let server = try RedisServer()
        let here = try await PoolWorker(server)
        let there = try await PoolWorker(server)
        #expect(!there.pool.isConfigured && !there.pool.hasAccounts)
        let made = try await here.pool.add(
            credential: "credential one of some length",
            note: "first \"quoted\"",
            tags: ["eu", "paid"],
            weight: 2,
            concurrency: nil
        )
        #expect(made.note == "first \"quoted\"" && made.tags == ["eu", "paid"] && made.weight == 2 && made.isEnabled)
        #expect(made.maskedCredential == "cre…ngth" && made.origin == .stored && made.created > 0)
        #expect(!"\(made)".contains("credential one") && !String(reflecting: made).contains("credential one"))
        var dumped = ""
        dump(made, to: &dumped)
        #expect(!dumped.contains("credential one"))
        await eventually("the other worker has it") { there.pool.hasAccounts }
        guard case .lease(let lease) = there.pool.choose(model: "m") else { throw Unexpected() }
        #expect(lease.account.credential == "credential one of some length")
        #expect(try await there.pool.account(made.id)?.credential == "credential one of some length")
        #expect(await caughtCode { try await here.pool.add(credential: "credential one of some length") } == .conflict)
        #expect(try await there.pool.setEnabled(made.id, false))
        await eventually("the other worker hears of it") { !here.pool.hasAccounts }
        #expect(here.pool.isConfigured)
        guard case .none(nil, let reason) = here.pool.choose(model: "m") else { throw Unexpected() }
        #expect(reason.code == .upstreamOverloaded && !reason.message.contains(made.id))
        #expect(await caughtCode { try await here.pool.lease(model: "m") } == .upstreamOverloaded)
        #expect(try await here.pool.account(made.id)?.disabledReason == "operator")
        #expect(try await here.pool.setEnabled(made.id, true))
        let changed = try await here.pool.update(
            made.id,
            Account.Changes(credential: "another one", note: "n", tags: [], weight: 5)
        )
        #expect(changed?.credential == "another one" && changed?.tags == [] && changed?.weight == 5)
        await eventually("the other worker leases with the other credential") {
            guard case .lease(let lease) = there.pool.choose(model: "m") else { return false }
            return lease.account.credential == "another one"
        }
        #expect(try await here.pool.update("nobody", Account.Changes(note: "n")) == nil)
        #expect(try await here.pool.page(from: 0, count: 10).map(\.id) == [made.id])
        #expect(try await here.pool.remove(made.id))
        #expect(try await here.pool.remove(made.id) == false)
        #expect(try await here.pool.setEnabled(made.id, true) == false)
        await eventually("the other worker has forgotten it") { !there.pool.isConfigured }
        for account in ["", "ok"] {
            #expect(
                await caughtCode { try await here.pool.add(credential: account, tags: ["a,b"]) } == .invalidRequest
            )
        }
        #expect(await caughtCode { try await here.pool.add(credential: "x", weight: 0) } == .invalidRequest)
        #expect(await caughtCode { try await here.pool.add(credential: "x", concurrency: 0) } == .invalidRequest)
        here.close()
        there.close()
        server.stop()
    }

    @Test("Credentials are sealed for their account, and sealed anew after the secret has changed")
    @LoopActor func resealing() async throws {
        let server = try RedisServer()
        let old = try await PoolWorker(server, secret: "old secret") { $0.pageSize = 4 }
        for number in 0..<10 { _ = try await old.pool.add(credential: "credential number \(number)") }
        var everything = ""
        for key in try await old.redis.command(["KEYS", "millrace:*"]).elements.compactMap(\.text) {
            everything += try await old.redis.command(["DUMP", .text(key)]).bytes?.text ?? ""
        }
        #expect(everything.contains("v1:") && !everything.contains("credential number"))
        let stranger = try await PoolWorker(server, secret: "another secret")
        guard case .none = stranger.pool.choose(model: "m") else { throw Unexpected() }
        #expect(await caughtCode { try await stranger.pool.lease(model: "m") } == .upstreamOverloaded)
        let new = try await PoolWorker(server, secret: "new secret", previous: ["old secret"]) { $0.pageSize = 4 }
        #expect(try await new.pool.reseal() == 10)
        #expect(try await new.pool.reseal() == 0)
        let only = try await PoolWorker(server, secret: "new secret")
        #expect(
            Set(try await only.pool.page(from: 0, count: 100).map(\.credential))
                == Set((0..<10).map { "credential number \($0)" })
        )
        // Moved to another account the text is worth nothing.
        let ids = try await only.pool.page(from: 0, count: 2).map(\.id)
        let names = ids.map { RedisArgument.text("millrace:{pool:lab}:account:\($0)") }
        let sealed = try #require(try await only.redis.command(["HGET", names[0], "credential"]).text)
        _ = try await only.redis.command(["HSET", names[1], "credential", .text(sealed)])
        #expect(try await only.pool.account(ids[1])?.credential == "")
        for worker in [old, stranger, new, only] { worker.close() }
        server.stop()
    }
}

struct Unexpected: Error {}

/// The error `body` throws, if any.
@LoopActor func caught<T>(_ body: @LoopActor () async throws -> T) async -> GatewayError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? GatewayError
    }
}
