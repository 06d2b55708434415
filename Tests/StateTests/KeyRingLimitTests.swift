import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

@Suite("Key ring: limits and changes", .onLoop, .timeLimit(.minutes(1)))
struct KeyRingLimitTests {
    private static let limits = KeyLimits(
        requestsPerMinute: 60,
        tokensPerMinute: 100_000,
        concurrentStreams: 5,
        budgets: [
            Budget(amount: 25_000_000_000, unit: .money, window: .month),
            Budget(amount: 7, unit: .tokens, window: .day),
        ]
    )

    @Test("Limits are kept with the key and come back as they were")
    @LoopActor func limits() async throws {
        let server = try RedisServer()
        let here = try await Worker(server)
        let there = try await Worker(server)
        let made = try await here.keys.create(name: "ci", owner: "ann", models: ["openai/gpt-4o*"], limits: Self.limits)
        let read = try await there.keys.authenticate(made.record.digest)
        #expect(read == made.record && read?.limits == Self.limits)
        #expect(read?.allows(model: "openai/gpt-4o-mini") == true && read?.allows(model: "openai/gpt-4") == false)
        let plain = try await here.keys.create(name: "", owner: "ann")
        #expect(try await there.keys.authenticate(plain.record.digest)?.limits.isUnlimited == true)
        here.close()
        there.close()
        server.stop()
    }

    @Test("A change reaches every worker within 100 ms and touches nothing else")
    @LoopActor func changes() async throws {
        let server = try RedisServer()
        let here = try await Worker(server)
        let there = try await Worker(server)
        let digest = try await here.keys.create(name: "a", owner: "ann", expires: 1_900_000_000, limits: Self.limits)
            .record.digest
        await eventually("the other worker remembers the key") {
            _ = try? await there.keys.authenticate(digest)
            return there.keys.cache.current(digest) != nil
        }
        var fewer = Self.limits
        fewer.requestsPerMinute = nil
        fewer.budgets = []
        let changed = try await here.keys.update(
            digest,
            KeyChanges(name: "b", models: ["m*"], expiry: .never, limits: KeyLimitChanges(to: fewer))
        )
        let start = LoopClock.now
        try await eventually("the other worker hears of it") { try await there.keys.authenticate(digest) == changed }
        #expect(LoopClock.now.milliseconds(since: start) < 100)
        #expect(changed?.name == "b" && changed?.owner == "ann" && changed?.expires == nil)
        #expect(changed?.models == ["m*"] && changed?.limits == fewer && changed?.isEnabled == true)
        let reopened = try await here.keys.update(
            digest,
            KeyChanges(owner: "bob", isEnabled: false, models: [], expiry: .at(2_000_000_000))
        )
        #expect(reopened?.owner == "bob" && reopened?.isEnabled == false && reopened?.expires == 2_000_000_000)
        #expect(reopened?.models == [] && reopened?.limits == fewer && reopened?.name == "b")
        #expect(try await here.keys.update("nobody", KeyChanges(name: "x")) == nil)
        #expect(try await here.redis.command(["EXISTS", "millrace:{keys}:nobody"]) == .integer(0))
        here.close()
        there.close()
        server.stop()
    }

    @Test("Of changes made at the same moment by several workers none is lost")
    @LoopActor func concurrentChanges() async throws {
        let server = try RedisServer()
        let workers = [try await Worker(server), try await Worker(server), try await Worker(server)]
        let digest = try await workers[0].keys.create(name: "a", owner: "ann", limits: Self.limits).record.digest
        for round in 1...50 {
            var changes = [KeyLimitChanges(), KeyLimitChanges(), KeyLimitChanges()]
            changes[0].requestsPerMinute = .set(round)
            changes[1].tokensPerMinute = round.isMultiple(of: 2) ? .lift : .set(round * 1_000)
            changes[2].budgets = [Budget(amount: round, unit: .tokens, window: .total)]
            let updates = zip(workers, changes).map { worker, change in
                Task { @LoopActor in try await worker.keys.update(digest, KeyChanges(limits: change)) }
            }
            for update in updates { _ = try await update.value }
            let now = try #require(try await workers[round % 3].keys.find(digest).first).limits
            #expect(now.requestsPerMinute == round && now.concurrentStreams == 5)
            #expect(now.tokensPerMinute == (round.isMultiple(of: 2) ? nil : round * 1_000))
            #expect(now.budgets.map(\.amount) == [round])
        }
        for worker in workers { worker.close() }
        server.stop()
    }

    @Test("A key is found by the beginning of its digest")
    @LoopActor func finding() async throws {
        let server = try RedisServer()
        let worker = try await Worker(server)
        var digests: [String] = []
        for _ in 0..<60 { digests.append(try await worker.keys.create(name: "", owner: "ann").record.digest) }
        for digest in digests.prefix(5) {
            #expect(try await worker.keys.find(String(digest.prefix(12)).uppercased()).map(\.digest) == [digest])
        }
        let first = String(digests[0].prefix(1))
        let expected = digests.filter { $0.hasPrefix(first) }.sorted()
        #expect(try await worker.keys.find(first).map(\.digest) == Array(expected.prefix(10)))
        for nonsense in ["*", "", "xyz"] { #expect(try await worker.keys.find(nonsense).isEmpty) }
        worker.close()
        server.stop()
    }

    @Test("What makes no sense is not stored")
    @LoopActor func nonsense() async throws {
        let server = try RedisServer()
        let worker = try await Worker(server)
        let twice = Budget(amount: 1, unit: .money, window: .day)
        let strange = [
            KeyLimits(requestsPerMinute: 0), KeyLimits(tokensPerMinute: -1), KeyLimits(concurrentStreams: 0),
            KeyLimits(budgets: [Budget(amount: -1, unit: .tokens, window: .total)]),
            KeyLimits(budgets: [Budget(amount: .max, unit: .money, window: .total)]),
            KeyLimits(budgets: [twice, twice]),
        ]
        for limits in strange {
            let code = await caughtCode { try await worker.keys.create(name: "", owner: "ann", limits: limits) }
            #expect(code == .invalidRequest)
            #expect(
                await caughtCode { try await worker.keys.update("a", KeyChanges(limits: KeyLimitChanges(to: limits))) }
                    == .invalidRequest
            )
        }
        #expect(await caughtCode { try await worker.keys.update("a", KeyChanges(owner: "")) } == .invalidRequest)
        #expect(await caughtCode { try await worker.keys.update("a", KeyChanges(models: ["a*b"])) } == .invalidRequest)
        #expect(try await worker.redis.command(["DBSIZE"]) == .integer(0))
        worker.close()
        server.stop()
    }

    @Test("Fields of other versions are left alone, and limits that cannot be read let nothing pass")
    func otherVersions() {
        let fields = ["owner": "ann", "enabled": "1", "colour": "green", "rpm": "many", "budgets": "money:5:decade"]
        let record = KeyRecord(digest: "", fields: fields)
        #expect(record?.isEnabled == true && record?.limits.requestsPerMinute == 0)
        #expect(record?.limits.budgets == [Budget(amount: 0, unit: .money, window: .total)])
        #expect(record?.limits.tokensPerMinute == nil)
    }
}
