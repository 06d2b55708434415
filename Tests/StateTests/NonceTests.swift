import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

@Suite("Nonces", .onLoop, .timeLimit(.minutes(1)))
struct NonceTests {
    @Test("Many workers at once never get the same value, though they draw from few")
    @LoopActor func race() async throws {
        let server = try RedisServer()
        let redises = [
            try await connectForLedger(server.unixURL), try await connectForLedger(server.unixURL),
            try await connectForLedger(server.unixURL),
            try await connectForLedger(server.unixURL),
        ]
        // 4,000 claims of 8,192 values: collisions are the rule, and eight attempts now and then are not enough.
        var drawn = 0
        let ledgers = redises.map { redis in
            NonceLedger(redis: redis) {
                drawn += 1
                return String(UInt32.random(in: 0..<8_192))
            }
        }
        var claimed: [String] = []
        let claims = (0..<4_000).map { number in
            Task { @LoopActor in try? await ledgers[number % 4].claim(scope: "device") }
        }
        for claim in claims {
            if let value = await claim.value { claimed.append(value) }
        }
        #expect(claimed.count > 3_900)
        #expect(Set(claimed).count == claimed.count)
        #expect(drawn > claimed.count + 500, "there were collisions")
        print("nonces: \(claimed.count) claimed by 4 workers, \(drawn - claimed.count) collisions, none shared")
        for redis in redises { redis.close() }
        server.stop()
    }

    @Test("Scopes are apart, values expire, and exhaustion is an error")
    @LoopActor func scopes() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        let ledger = NonceLedger(redis: redis) { "same" }
        #expect(try await ledger.claim(scope: "a") == "same")
        #expect(try await ledger.claim(scope: "b", ttl: .milliseconds(20)) == "same")
        #expect(await caughtCode { try await ledger.claim(scope: "a") } == .internalError)
        let ttl = try await redis.command(["TTL", "millrace:{nonce:a}:same"]).int ?? 0
        #expect((590...600).contains(ttl))
        await eventually("the value is free again") { (try? await ledger.claim(scope: "b")) != nil }
        let value = try await NonceLedger(redis: redis).claim(scope: "c")
        #expect(value.utf8.count == 32)
        redis.close()
        server.stop()
    }

    @Test("Without Redis there are no nonces")
    @LoopActor func closed() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL) { $0.timeout = .milliseconds(20) }
        let ledger = NonceLedger(redis: redis)
        server.freeze()
        #expect(await caughtCode { try await ledger.claim(scope: "a") } == .stateUnavailable)
        server.thaw()
        server.kill()
        #expect(await caughtCode { try await ledger.claim(scope: "a") } == .stateUnavailable)
        redis.close()
        server.stop()
    }
}
