import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

@Suite("Accounts from environments", .onLoop, .timeLimit(.minutes(1)))
struct AccountEnvironmentTests {
    @Test("Keys of the environment take part in everything and are written nowhere")
    @LoopActor func secrecy() async throws {
        let server = try RedisServer()
        let keys = (0..<3).map { "environment-key-number-\($0)" }
        let worker = try await PoolWorker(server, keys) { $0.use = .scripted }
        _ = try await worker.pool.add(credential: "stored-key-number-0")
        var served: Set<String> = []
        for _ in 0..<4 { served.insert(try await worker.pool.lease(model: "m").account.credential) }
        #expect(served == Set(keys + ["stored-key-number-0"]))
        let id = AccountPool.id(of: keys[0], pool: "lab")
        #expect(id.utf8.count == 16 && AccountPool.id(of: keys[0], pool: "other") != id)
        _ = try await worker.pool.serve("m", .failed(.quotaExhausted, "r"), preferring: id)
        #expect(try await worker.pool.update(id, Account.Changes(note: "mine", weight: 3))?.weight == 3)
        #expect(try await worker.pool.setEnabled(id, false))
        let account = try #require(try await worker.pool.account(id))
        #expect(account.origin == .environment && account.maskedCredential == "env…er-0" && account.note == "mine")
        #expect(await caughtCode { try await worker.pool.remove(id) } == .conflict)
        #expect(await caughtCode { try await worker.pool.add(credential: keys[1]) } == .conflict)
        #expect(
            await caughtCode {
                try await worker.pool.update(id, Account.Changes(credential: "x"))
            } == .invalidRequest
        )
        var everything = ""
        for key in try await worker.redis.command(["KEYS", "*"]).elements.compactMap(\.text) {
            everything += key
            everything += try await worker.redis.command(["DUMP", .text(key)]).bytes?.text ?? ""
        }
        #expect(everything.contains(id) && !everything.contains("-key-number-"))
        worker.close()
        server.stop()
    }

    @Test("While environments change from worker to worker, each leases what it has; what nobody has is forgotten")
    @LoopActor func rollingChange() async throws {
        let server = try RedisServer()
        let clock = RedisTime()
        let old = try await PoolWorker(server, ["a", "b"], clock: clock) { $0.use = .scripted }
        let new = try await PoolWorker(server, ["b", "c"], clock: clock) { $0.use = .scripted }
        for (worker, own) in [(old, ["a", "b"]), (new, ["b", "c"])] {
            var served: Set<String> = []
            for _ in 0..<6 { served.insert(try await worker.pool.lease(model: "m").account.credential) }
            #expect(served == Set(own))
        }
        let gone = AccountPool.id(of: "a", pool: "lab")
        #expect(await caughtCode { try await new.pool.serve(preferring: gone) } == nil, "not leased, and no error")
        // A consequence seen by one worker holds for the others, and outlives a restart of all.
        let shared = AccountPool.id(of: "b", pool: "lab")
        _ = try await old.pool.serve("m", .failed(.quotaExhausted, "r"), preferring: shared)
        #expect(try await new.pool.lease(model: "m", preferring: shared).account.credential == "c")
        old.close()
        try await clock.advance(91_000, new.redis)
        await register(new)
        let left = try await new.pool.page(from: 0, count: 10)
        #expect(left.filter(\.isAbsent).map(\.id) == [gone])
        let ready = try await new.redis.command(["ZRANGE", "millrace:{pool:lab}:ready", "0", "-1"]).elements
        #expect(ready.compactMap(\.text) == [AccountPool.id(of: "c", pool: "lab")])
        // It comes back with the worker that has it, as it was.
        _ = try await new.pool.setEnabled(gone, false)
        let again = try await PoolWorker(server, ["a"], clock: clock) { $0.use = .scripted }
        let returned = try #require(try await again.pool.account(gone))
        #expect(!returned.isAbsent && !returned.isEnabled)
        again.close()
        for _ in 0..<2 {
            try await clock.advance(91_000, new.redis)
            await register(new)
        }
        try await clock.advance(7 * 86_400_000, new.redis)
        await register(new)
        #expect(try await new.pool.account(gone) == nil)
        #expect(try await new.redis.command(["KEYS", .text("*\(gone)*")]).elements.isEmpty)
        new.close()
        server.stop()
    }

    @Test("When Redis has lost its memory, or only its scripts, leasing goes on")
    @LoopActor func amnesia() async throws {
        let server = try RedisServer()
        let worker = try await PoolWorker(server, ["a", "b"]) { $0.use = .scripted }
        _ = try await worker.pool.serve()
        _ = try await worker.redis.command(["SCRIPT", "FLUSH"])
        _ = try await worker.pool.serve()
        let lease = try await worker.pool.lease(model: "m")
        let lost = try await worker.pool.add(credential: "stored")
        _ = try await worker.redis.command(["FLUSHALL"])
        try await worker.pool.reportAndWait(lease, .limited("r"))
        // What was seen before is known again, as soon as the account is.
        for _ in 0..<2 { #expect(try await worker.pool.serve() != lease.account.id) }
        #expect(try await worker.pool.serve("other", preferring: lease.account.id) == lease.account.id)
        #expect(try await worker.pool.account(lost.id) == nil)
        // The mirror notices with the next heartbeat that what it knows is of another time.
        await register(worker)
        await eventually("the mirror knows that the stored account is gone") {
            worker.pool.mirror.entry(lost.id) == nil && worker.pool.isCurrent
        }
        worker.close()
        server.stop()
    }

    @LoopActor private func register(_ worker: PoolWorker) async {
        await withCheckedContinuation { continuation in
            worker.pool.register { _ in continuation.resume() }
        }
    }
}
