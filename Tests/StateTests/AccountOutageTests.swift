import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

/// Accounts that take so many calls at once and no more, while nobody can count the calls.
@Suite("Counted accounts without Redis", .onLoop, .timeLimit(.minutes(1)))
struct AccountOutageTests {
    @Test("They are left alone, the others go on, and both serve again when Redis is back")
    @LoopActor func leftAlone() async throws {
        let server = try RedisServer()
        let worker = try await PoolWorker(server, ["sk-plain-one"], timeout: .milliseconds(200))
        let other = try await PoolWorker(server)
        let counted = try await other.pool.add(credential: "sk-counted-one", concurrency: 2).id
        other.close()
        await eventually("the mirror knows") { worker.pool.mirror.entry(counted) != nil }
        let plain = try #require(worker.pool.environmentIDs.first)
        server.freeze()
        let error = await caught { try await worker.pool.lease(model: "m", excluding: [plain]) }
        #expect(error?.code == .stateUnavailable && error?.status == 503 && error?.retryAfter == 1)
        #expect(error?.retry == .elsewhere)
        for _ in 0..<10 { #expect(try await worker.pool.serve(preferring: counted) == plain) }
        await eventually("nobody is asked any more") { !worker.redis.isReady }
        guard case .none(let wait, let reason) = worker.pool.choose(model: "m", excluding: [plain]) else {
            Issue.record("an account was used although its calls cannot be counted")
            return
        }
        #expect(wait == 1 && reason.code == .stateUnavailable)
        server.thaw()
        await eventually("Redis is back") { worker.redis.isReady }
        await eventually("it serves again") { (try? await worker.pool.serve(preferring: counted)) == counted }
        worker.close()
        server.stop()
    }

    @Test("Without any Redis the worker is alone and counts by itself")
    @LoopActor func alone() throws {
        let pool = AccountPool(name: "lab", environment: ["sk-one"], redis: nil, vault: nil, log: .silent)
        let id = try #require(pool.environmentIDs.first)
        pool.mirror.change(id) { $0.concurrency = 1 }
        guard case .lease(let lease) = pool.choose(model: "m"), case .none = pool.choose(model: "m") else {
            Issue.record("one call at once")
            return
        }
        pool.report(lease, .success)
        guard case .lease = pool.choose(model: "m") else {
            Issue.record("there is room again")
            return
        }
    }

    @Test("Leases asked of a frozen Redis are not granted when it wakes: nobody waits for them any more")
    @LoopActor func late() async throws {
        let server = try RedisServer()
        let other = try await PoolWorker(server) { $0.use = .scripted }
        let worker = try await PoolWorker(server, timeout: .milliseconds(200)) { $0.use = .scripted }
        _ = try await other.pool.add(credential: "sk-counted-one", concurrency: 2)
        await eventually("its scripts are known") { (try? await worker.pool.serve()) != nil }
        await eventually("nothing is under way") { worker.pool.pendingReports == 0 && worker.redis.pendingCount == 0 }
        server.freeze()
        for _ in 0..<2 {
            #expect(await caughtCode { try await worker.pool.lease(model: "m") } == .stateUnavailable)
        }
        #expect(worker.redis.pendingCount == 2, "the scripts lie in front of Redis")
        server.thaw()
        await eventually("the first worker's scripts have run") { worker.redis.pendingCount == 0 }
        #expect(worker.pool.pendingReports == 0, "there is nothing to give back")
        var leases: [Lease] = []
        for _ in 0..<2 { leases.append(try await other.pool.lease(model: "m")) }
        #expect(leases.count == 2)
        #expect(await caughtCode { try await other.pool.lease(model: "m") } == .upstreamOverloaded)
        other.close()
        worker.close()
        server.stop()
    }

    @Test("A lease whose grant is heard of too late is given back")
    @LoopActor func lateGrant() async throws {
        let server = try RedisServer()
        // A clock that stands still: to Redis, whatever it runs after the freeze is in time.
        let clock = RedisTime()
        let other = try await PoolWorker(server, clock: clock) { $0.use = .scripted }
        let worker = try await PoolWorker(server, clock: clock, timeout: .milliseconds(200)) { $0.use = .scripted }
        _ = try await other.pool.add(credential: "sk-counted-one", concurrency: 1)
        await eventually("its scripts are known") { (try? await worker.pool.serve()) != nil }
        await eventually("nothing is under way") { worker.pool.pendingReports == 0 && worker.redis.pendingCount == 0 }
        server.freeze()
        #expect(await caughtCode { try await worker.pool.lease(model: "m") } == .stateUnavailable)
        server.thaw()
        await eventually("the answer is here") { worker.pool.statistics.leasesLate == 1 }
        await eventually("the lease has come back") { (try? await other.pool.serve()) != nil }
        #expect(worker.pool.pendingReports == 0 && worker.pool.statistics.inFlight == 0)
        other.close()
        worker.close()
        server.stop()
    }

    @Test("A Redis whose clock is ahead of what the worker knows grants leases all the same")
    @LoopActor func clockAhead() async throws {
        let server = try RedisServer()
        let clock = RedisTime()
        let worker = try await PoolWorker(server, ["sk-plain-one"], clock: clock) { $0.use = .scripted }
        try await clock.advance(3_600_000, worker.redis)
        // The registration is over by then, which is one more reason to ask again.
        _ = try await worker.pool.serve()
        try await clock.advance(20_000, worker.redis)
        _ = try await worker.pool.serve()
        worker.close()
        server.stop()
    }
}
