import Core
import Crypto
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

@Suite("Key ring", .onLoop, .timeLimit(.minutes(1)))
struct KeyRingTests {
    @Test("A new key is known by its digest only and opens the door until it expires")
    @LoopActor func creation() async throws {
        let server = try RedisServer()
        let worker = try await Worker(server)
        let made = try await worker.keys.create(name: "ci", owner: "ann", expires: 1_800_000_100, models: ["a/b", "c"])
        #expect(made.text.hasPrefix("sk-") && made.text.utf8.count == 46)
        #expect(made.record.digest == SHA256Digest(of: made.text).hex)
        let record = try await worker.keys.authenticate(made.record.digest)
        #expect(record == made.record)
        #expect(record?.allows(model: "a/b") == true && record?.allows(model: "b") == false)
        let everything = try await worker.redis.command(["KEYS", "*"]).elements.compactMap(\.text)
        #expect(everything.count == 2 && !everything.contains { $0.contains(made.text) })
        worker.clock.time = 1_800_000_100
        #expect(try await worker.keys.authenticate(made.record.digest) == nil)
        worker.close()
        server.stop()
    }

    @Test("Known and unknown keys are asked for once")
    @LoopActor func caching() async throws {
        let server = try RedisServer()
        let worker = try await Worker(server)
        let digest = try await worker.keys.create(name: "", owner: "ann").record.digest
        await eventually("the announcement has passed") {
            _ = try? await worker.keys.authenticate(digest)
            return worker.keys.cache.current(digest) != nil
        }
        let before = worker.redis.statistics.commands
        for _ in 0..<100 {
            #expect(try await worker.keys.authenticate(digest)?.owner == "ann")
            #expect(try await worker.keys.authenticate("junk") == nil)
        }
        #expect(worker.redis.statistics.commands == before + 1)
        worker.close()
        server.stop()
    }

    @Test("A revoked key is refused by every worker within 100 ms, and an enabled one serves again")
    @LoopActor func revocation() async throws {
        let server = try RedisServer()
        let here = try await Worker(server)
        let there = try await Worker(server)
        let digest = try await here.keys.create(name: "", owner: "ann").record.digest
        var spans: [Double] = []
        for isEnabled in [false, true, false, true, false] {
            let expected = isEnabled ? nil : "ann"
            await eventually("the other worker remembers the key") {
                _ = try? await there.keys.authenticate(digest)
                return there.keys.cache.current(digest) != nil
            }
            #expect(try await there.keys.authenticate(digest)?.owner == expected)
            #expect(try await here.keys.setEnabled(isEnabled, digest))
            let changed = LoopClock.now
            try await eventually("the other worker hears of it") {
                try await there.keys.authenticate(digest)?.isEnabled ?? false == isEnabled
            }
            spans.append(LoopClock.now.milliseconds(since: changed))
            #expect(try await here.keys.authenticate(digest)?.isEnabled ?? false == isEnabled)
        }
        // The slowest says how busy the machine is.
        #expect(spans.sorted()[2] < 100)
        #expect(try await here.keys.remove(digest))
        #expect(try await here.keys.remove(digest) == false)
        #expect(try await here.keys.setEnabled(true, digest) == false)
        here.close()
        there.close()
        server.stop()
    }

    @Test("A key made elsewhere serves although it was unknown a moment ago")
    @LoopActor func creationElsewhere() async throws {
        let server = try RedisServer()
        let here = try await Worker(server)
        let there = try await Worker(server)
        let record = KeyRecord(
            digest: String(repeating: "0", count: 64),
            name: "",
            owner: "bob",
            isEnabled: true,
            created: 1,
            expires: nil,
            models: []
        )
        #expect(try await there.keys.authenticate(record.digest) == nil)
        let arguments: [RedisArgument] = [.text(record.digest), 1, .text(KeyRing.channel)] + record.fields
        let keys: [RedisArgument] = [.text(KeyRing.prefix + record.digest), .literal(KeyRing.list)]
        #expect(try await here.redis.evaluate(StateScripts.createKey, keys: keys, arguments: arguments) == .integer(1))
        #expect(try await here.redis.evaluate(StateScripts.createKey, keys: keys, arguments: arguments) == .integer(0))
        try await eventually(within: .seconds(1), "the other worker hears of it") {
            try await there.keys.authenticate(record.digest) == record
        }
        here.close()
        there.close()
        server.stop()
    }

    @Test("While Redis is away known keys are served for a bounded time and unknown ones are nobody's to judge")
    @LoopActor func outage() async throws {
        let server = try RedisServer()
        var options = KeyRing.Options()
        options.staleTime = .seconds(1)
        let worker = try await Worker(server, options)
        let digest = try await worker.keys.create(name: "", owner: "ann").record.digest
        _ = try await worker.keys.authenticate(digest)
        server.kill()
        await eventually("the loss is noticed") { !worker.keys.isListening && !worker.redis.isReady }
        #expect(try await worker.keys.authenticate(digest)?.owner == "ann")
        #expect(await caughtCode { try await worker.keys.authenticate("unknown") } == .stateUnavailable)
        await eventually("the copy is too old in the end") {
            await caughtCode { try await worker.keys.authenticate(digest) } == .stateUnavailable
        }
        try server.start()
        await eventually("the worker is connected again") { worker.redis.isReady && worker.keys.isListening }
        #expect(try await worker.keys.authenticate(digest) == nil, "the new Redis does not know the key")
        worker.close()
        server.stop()
    }

    @Test("What was remembered before a loss is read again after it")
    @LoopActor func reconnection() async throws {
        let server = try RedisServer()
        let worker = try await Worker(server)
        let digest = try await worker.keys.create(name: "", owner: "ann").record.digest
        await eventually("the key is remembered") {
            _ = try? await worker.keys.authenticate(digest)
            return worker.keys.cache.current(digest) != nil
        }
        // The change is not announced, as if the announcement had fallen into the gap.
        _ = try await worker.redis.command(["HSET", .text(KeyRing.prefix + digest), "enabled", 0])
        #expect(try await worker.keys.authenticate(digest) != nil)
        _ = try await worker.redis.command(["CLIENT", "KILL", "TYPE", "pubsub"])
        try await eventually("the change is found") { try await worker.keys.authenticate(digest) == nil }
        worker.close()
        server.stop()
    }

    @Test("Keys are listed by age, in pages")
    @LoopActor func listing() async throws {
        let server = try RedisServer()
        let worker = try await Worker(server)
        var made: [KeyRecord] = []
        for number in 0..<5 {
            worker.clock.time += 1
            made.append(try await worker.keys.create(name: "key \(number)", owner: "ann").record)
        }
        let pages = [
            try await worker.keys.page(from: 0, count: 3), try await worker.keys.page(from: 3, count: 3),
            try await worker.keys.page(from: 6, count: 3),
        ]
        #expect(pages[0] + pages[1] == made && pages[2].isEmpty)
        #expect(await caughtCode { try await worker.keys.create(name: "", owner: "") } == .invalidRequest)
        #expect(
            await caughtCode { try await worker.keys.create(name: "", owner: "a", models: ["a,b"]) } == .invalidRequest
        )
        worker.close()
        server.stop()
    }

    @Test("A flood of junk keys does not grow the memory and records that cannot be read are refused")
    func bounds() {
        var options = KeyRing.Options()
        options.absentLimit = 100
        options.presentLimit = 10
        var cache = KeyCache(options: options)
        let now = Instant(nanoseconds: 1)
        for number in 0..<1_000 { cache.store(nil, for: "\(number)", isCurrent: true, at: now) }
        let remembered = (0..<1_000).count { cache.isAbsent("\($0)", at: now) }
        #expect((1...100).contains(remembered) && cache.isAbsent("999", at: now))
        #expect(!cache.isAbsent("999", at: now.advanced(by: options.absentTime)))
        #expect(KeyRecord(digest: "", fields: ["name": "x", "enabled": "1"]) == nil)
        let strange = KeyRecord(digest: "", fields: ["owner": "x", "enabled": "1", "expires": "soon"])
        #expect(strange?.isUsable(at: 1) == false)
    }
}
