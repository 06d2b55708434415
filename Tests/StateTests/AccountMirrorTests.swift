import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

@Suite("Mirrored pools", .onLoop, .timeLimit(.minutes(1)))
struct AccountMirrorTests {
    private static let keys = (0..<4).map { "key number \($0)" }

    @Test("Without Redis a pool lives from its environment, with cool-downs of its own")
    @LoopActor func alone() throws {
        let pool = AccountPool(name: "lab", environment: Self.keys, redis: nil, vault: nil, log: .silent)
        pool.start()
        #expect(pool.isConfigured && pool.hasAccounts)
        var served: [String: Int] = [:]
        for _ in 0..<40 { served[try take(pool).account.credential, default: 0] += 1 }
        #expect(served == Dictionary(uniqueKeysWithValues: Self.keys.map { ($0, 10) }))
        var leases: [Lease] = []
        for number in 0..<4 {
            let lease = try take(pool, excluding: Set(leases.map(\.account.id)))
            pool.report(lease, .limited("r\(number)", retryAfter: 100 + number))
            leases.append(lease)
        }
        guard case .none(100, let reason) = pool.choose(model: "m") else { throw Unexpected() }
        #expect(reason.code == .rateLimitExceeded)
        #expect(try take(pool, "other").account.pool == "lab")
        #expect(pool.statistics.cooldownsStarted == [.rateLimited: 4] && pool.statistics.leasesRefused == 1)
        let first = try take(pool, "other", preferring: leases[2].account.id)
        #expect(first.account.id == leases[2].account.id)
        for number in 0..<2 {
            pool.report(
                try take(pool, "other", preferring: first.account.id),
                .failed(.credentialsRefused, "c\(number)")
            )
            pool.mirror.change(first.account.id) { $0.cooldowns = [:] }
        }
        guard pool.mirror.entry(first.account.id)?.state.isEnabled == false else { throw Unexpected() }
        pool.report(try take(pool, "other"), .failed(.egressBlocked, "e"))
        guard case .none(30, let blocked) = pool.choose(model: "other") else { throw Unexpected() }
        #expect(blocked.code == .upstreamOverloaded)
        pool.close()
    }

    @Test("An account returns by itself; after repeats one probe goes first, without Redis too")
    @LoopActor func localReturn() async throws {
        var options = AccountPool.Options()
        options.consequences[.rateLimited]?.first = .milliseconds(5)
        options.leaseTime = .milliseconds(100)
        let pool = AccountPool(
            name: "lab",
            environment: ["only"],
            redis: nil,
            vault: nil,
            options: options,
            log: .silent
        )
        for round in 0..<3 {
            var found: Lease?
            await eventually("the account returns") {
                if case .lease(let lease) = pool.choose(model: "m") { found = lease }
                return found != nil
            }
            let lease = try #require(found)
            #expect(lease.isProbe == (round == 2))
            if round == 2 {
                guard case .none = pool.choose(model: "m") else { throw Unexpected() }
                // The probe is never heard of again: the next one probes.
                await eventually("the probe expires") {
                    if case .lease(let lease) = pool.choose(model: "m") { found = lease }
                    return found?.id != lease.id
                }
                #expect(found?.isProbe == true)
                pool.report(try #require(found), .success)
                #expect(try take(pool).isProbe == false)
            } else {
                pool.report(lease, .limited("r\(round)"))
            }
        }
        pool.close()
    }

    @Test("Calls that go well cost Redis nothing; troubled accounts are put right")
    @LoopActor func silence() async throws {
        let server = try RedisServer()
        let worker = try await PoolWorker(server, Self.keys)
        let before = worker.redis.statistics.commands
        for _ in 0..<1000 { worker.pool.report(try take(worker.pool), .success) }
        #expect(worker.redis.statistics.commands == before && worker.pool.statistics.inFlight == 0)
        #expect(worker.pool.statistics.leasesGranted == 1000)
        let lease = try take(worker.pool)
        worker.pool.report(lease, .failed(.failing, "r"))
        await eventually("the failure is known") { worker.pool.pendingReports == 0 }
        #expect(try await worker.pool.account(lease.account.id)?.failures == 1)
        await eventually("the mirror has it back") { worker.pool.isCurrent && worker.pool.feed.version > 4 }
        worker.pool.report(try take(worker.pool, preferring: lease.account.id), .success)
        await eventually("the success is known") { worker.pool.pendingReports == 0 }
        #expect(try await worker.pool.account(lease.account.id)?.failures == 0)
        worker.close()
        server.stop()
    }

    @Test("What only Redis can know is asked: concurrency, probes, a pool not read yet")
    @LoopActor func asking() async throws {
        let server = try RedisServer()
        let clock = RedisTime()
        let here = try await PoolWorker(server, clock: clock)
        let there = try await PoolWorker(server, clock: clock)
        let account = try await here.pool.add(credential: "one", concurrency: 1)
        await eventually("both know") { here.pool.hasAccounts && there.pool.hasAccounts }
        guard case .ask = here.pool.choose(model: "m"), case .ask = there.pool.choose(model: "m") else {
            throw Unexpected()
        }
        let lease = try await here.pool.lease(model: "m")
        #expect(await caughtCode { try await there.pool.lease(model: "m") } == .upstreamOverloaded)
        try await here.pool.reportAndWait(lease, .success)
        _ = try await here.pool.update(account.id, Account.Changes(concurrency: .some(nil)))
        for span in [20_000, 40_000] {
            _ = try await here.pool.serve("m", .limited("r\(span)"))
            try await clock.advance(span, here.redis)
        }
        // Any message brings the time along.
        _ = try await here.pool.update(account.id, Account.Changes(note: "n"))
        for pool in [here.pool, there.pool] {
            await eventually("the probe is due") {
                if case .ask = pool.choose(model: "m") { return true }
                return false
            }
        }
        let probe = try await there.pool.lease(model: "m")
        #expect(probe.isProbe)
        await eventually("the other worker knows that it is under way") {
            if case .none = here.pool.choose(model: "m") { return true }
            return false
        }
        try await there.pool.reportAndWait(probe, .success)
        await eventually("everybody may again") {
            if case .lease = here.pool.choose(model: "m") { return true }
            return false
        }
        let pool = AccountPool(name: "lab", environment: ["e"], redis: here.redis, vault: nil, log: .silent)
        guard case .ask = pool.choose(model: "m") else { throw Unexpected() }
        here.close()
        there.close()
        server.stop()
    }

    @Test("A mirror that missed something, or was cut off, reads again", arguments: [3, 200])
    @LoopActor func gaps(_ pageSize: Int) async throws {
        let server = try RedisServer()
        let here = try await PoolWorker(server) { $0.pageSize = pageSize }
        let there = try await PoolWorker(server) { $0.pageSize = pageSize }
        for number in 0..<10 { _ = try await here.pool.add(credential: "credential \(number)") }
        await eventually("all are known") { there.pool.mirror.slots.count == 10 }
        let reads = there.pool.statistics.mirrorReads
        let ids = try await here.pool.page(from: 0, count: 10).map(\.id)
        // A change nobody announces, and then one that is: its version shows that another one came before.
        let hash = RedisArgument.text("millrace:{pool:lab}:account:\(ids[3])")
        _ = try await here.redis.command(["HINCRBY", "millrace:{pool:lab}:pool", "version", "1"])
        _ = try await here.redis.command(["HSET", hash, "enabled", "0", "version", "11"])
        _ = try await here.pool.setEnabled(ids[4], false)
        await eventually("the missed change is found") {
            there.pool.mirror.entry(ids[3])?.state.isEnabled == false
                && there.pool.mirror.entry(ids[4])?.state.isEnabled == false
        }
        await eventually("by reading everything") { there.pool.statistics.mirrorReads == reads + 1 }
        // Cut off; what happens meanwhile is found afterwards.
        let listeners = try await here.redis.command(["CLIENT", "KILL", "TYPE", "pubsub"]).int ?? 0
        #expect(listeners >= 2)
        _ = try await here.pool.remove(ids[0])
        let late = try await here.pool.add(credential: "late")
        await eventually("the mirror is whole again") {
            there.pool.mirror.slots[ids[0]] == nil && there.pool.mirror.slots[late.id] != nil
                && there.pool.isCurrent
        }
        // A flood of changes while it is read page by page leaves nothing out.
        there.pool.readMirror()
        for number in 0..<30 { _ = try await here.pool.add(credential: "flood \(number)") }
        for id in ids[1..<5] { _ = try await here.pool.remove(id) }
        try await eventually("both agree") {
            let all = try await here.pool.page(from: 0, count: 100)
            return Set(all.map(\.id)) == Set(there.pool.mirror.slots.keys)
                && there.pool.feed.version == here.pool.feed.version
        }
        here.close()
        there.close()
        server.stop()
    }

    @Test("While Redis is away the mirror decides; what happened meanwhile is told when it is back")
    @LoopActor func outage() async throws {
        let server = try RedisServer()
        let here = try await PoolWorker(server, Self.keys, timeout: .milliseconds(300))
        let there = try await PoolWorker(server, Self.keys, timeout: .milliseconds(300))
        server.freeze()
        let lease = try take(here.pool)
        here.pool.report(lease, .limited("r1", retryAfter: 500))
        for _ in 0..<20 { #expect(try take(here.pool).account.id != lease.account.id) }
        // Redis is not asked for what nobody else can say either.
        let answer = try await here.pool.lease(model: "m")
        #expect(answer.account.id != lease.account.id)
        here.pool.report(answer, .success)
        await eventually("the report did not get through") { here.redis.statistics.timeouts > 0 }
        #expect(here.pool.pendingReports == 1)
        #expect(try take(there.pool, preferring: lease.account.id).account.id == lease.account.id)
        server.thaw()
        await eventually("the other worker hears of it") {
            there.pool.mirror.entry(lease.account.id)?.state.cooldowns[.model("m")] != nil
        }
        await eventually("nothing is left to say") { here.pool.pendingReports == 0 }
        #expect(try await there.pool.account(lease.account.id)?.failures == 1, "once, although it was sent more often")
        // Killed, with its memory lost: the keys are known again, and so is what was learned meanwhile.
        server.kill()
        await eventually("the loss is noticed") { !here.redis.isReady && !there.redis.isReady }
        let second = try take(here.pool)
        here.pool.report(second, .limited("r2", retryAfter: 500))
        try server.start()
        await eventually("the other worker hears of it after the restart") {
            there.pool.mirror.entry(second.account.id)?.state.cooldowns[.model("m")] != nil
        }
        #expect(try await there.pool.account(second.account.id)?.cooldowns.count == 1)
        here.close()
        there.close()
        server.stop()
    }

    @Test("A scripted pool without Redis says so, and its reports arrive later or expire")
    @LoopActor func scriptedOutage() async throws {
        let server = try RedisServer()
        let worker = try await PoolWorker(server, Self.keys, timeout: .milliseconds(300)) { options in
            options.use = .scripted
            options.reportLimit = 3
        }
        var leases: [Lease] = []
        for _ in 0..<5 { leases.append(try await worker.pool.lease(model: "m")) }
        server.freeze()
        let error = await caught { try await worker.pool.lease(model: "m") }
        #expect(error?.code == .stateUnavailable && error?.status == 503 && error?.retryAfter == 1)
        for (number, lease) in leases.enumerated() { worker.pool.report(lease, .limited("r\(number)")) }
        #expect(worker.pool.pendingReports == 3 && worker.pool.statistics.reportsLost == 2)
        #expect(await caughtCode { try await worker.pool.reportAndWait(leases[0], .success) } == nil, "reported before")
        server.thaw()
        await eventually("all have arrived") { worker.pool.pendingReports == 0 }
        worker.close()
        server.stop()
    }

    @LoopActor private func take(
        _ pool: AccountPool,
        _ model: String = "m",
        preferring: String? = nil,
        excluding: Set<String> = []
    ) throws -> Lease {
        guard case .lease(let lease) = pool.choose(model: model, preferring: preferring, excluding: excluding) else {
            throw Unexpected()
        }
        return lease
    }
}
