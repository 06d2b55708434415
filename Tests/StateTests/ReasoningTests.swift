import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

@Suite("Kept reasoning", .onLoop, .timeLimit(.minutes(1)))
struct ReasoningTests {
    private let state = Array(#"{"signature":"U0lH"}"#.utf8)

    @Test("Another worker finds it, another owner does not, and not under another id")
    @LoopActor func owners() async throws {
        let server = try RedisServer()
        let (one, two) = (try await connectForLedger(server.unixURL), try await connectForLedger(server.unixURL))
        await ReasoningStore(redis: one).keep(state, of: "call_1", owner: "key a")
        let reader = ReasoningStore(redis: two)
        await eventually("it is there") { await !reader.states(of: ["call_1"], owner: "key a").isEmpty }
        #expect(await reader.states(of: ["call_0", "call_1", "call_2"], owner: "key a") == ["call_1": state])
        #expect(await reader.states(of: ["call_1"], owner: "key b").isEmpty)
        // What joins owner and id must not let one pass for a part of the other.
        #expect(await reader.states(of: ["1"], owner: "key a\ncall_").isEmpty)
        #expect(await reader.states(of: [], owner: "key a").isEmpty)
        let names = try await two.command(["KEYS", "*"]).elements.compactMap { $0.text }
        #expect(names.count == 1)
        #expect(!names.joined().contains("call_1") && !names.joined().contains("key a"), "names tell nothing")
        one.close()
        two.close()
        server.stop()
    }

    @Test("It goes after its time, and what is too large never comes")
    @LoopActor func bounds() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        var options = ReasoningStore.Options()
        options.lifetime = .seconds(1)
        options.largest = state.count
        options.mostCalls = 2
        let store = ReasoningStore(redis: redis, options: options)
        await store.keep(state + [32], of: "large", owner: "o")
        for call in ["a", "b", "c"] { await store.keep(state, of: call, owner: "o") }
        await eventually("the last is there") { await !store.states(of: ["c"], owner: "o").isEmpty }
        #expect(await store.states(of: ["large"], owner: "o").isEmpty)
        #expect(
            await Set(store.states(of: ["a", "b", "c"], owner: "o").keys) == ["b", "c"],
            "the latest are looked up"
        )
        await eventually("its time is over") { await store.states(of: ["a", "b"], owner: "o").isEmpty }
        redis.close()
        server.stop()
    }

    @Test("Without Redis there is none, and nobody waits long")
    @LoopActor func away() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL) { $0.timeout = .milliseconds(20) }
        let store = ReasoningStore(redis: redis)
        server.freeze()
        #expect(await store.states(of: ["a", "b"], owner: "o").isEmpty)
        server.thaw()
        server.kill()
        await store.keep(state, of: "a", owner: "o")
        #expect(await store.states(of: ["a"], owner: "o").isEmpty)
        redis.close()
        server.stop()
    }
}
