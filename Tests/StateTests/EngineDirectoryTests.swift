import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

@Suite("Engine directory", .onLoop, .timeLimit(.minutes(1)))
struct EngineDirectoryTests {
    private static func record(_ id: String, state: String = "ready") -> String {
        #"{"url":"http://10.0.0.\#(id):8000","kind":"vllm","model":"org/m","served":"m","task":"chat","#
            + #""max_in_flight":2,"key":"gpu","state":"\#(state)"}"#
    }

    @Test("Engines are found when they register, and forgotten when their heart stops")
    @LoopActor func registration() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        let directory = EngineDirectory(redis: redis, keys: ["gpu": "sim-key-1"])
        directory.start()
        _ = try await redis.command(["SET", "millrace:{engines}:1", .text(Self.record("1"))])
        _ = try await redis.command(["SET", "millrace:{engines}:2", "not json"])
        _ = try await redis.command(["SADD", "millrace:{engines}", "1", "2", "3"])
        _ = try await redis.command(["PUBLISH", "millrace:engines", "changed"])
        await eventually("the engine is found") { directory.engines(for: "org/m", task: .chat).count == 1 }
        let engine = try #require(directory.engines(for: "org/m", task: .chat).first)
        #expect(engine.url == "http://10.0.0.1:8000")
        #expect((engine.kind, engine.served, engine.maxInFlight) == ("vllm", "m", 2))
        #expect(directory.key(of: engine) == "sim-key-1")
        #expect(directory.engines(for: "org/m", task: .embed).isEmpty)
        #expect(directory.models.map(\.model) == ["org/m"])
        try await eventually("what has no record leaves the set") {
            try await redis.command(["SCARD", "millrace:{engines}"]).int == 2
        }
        _ = try await redis.command(["SET", "millrace:{engines}:1", .text(Self.record("1", state: "loading"))])
        _ = try await redis.command(["PUBLISH", "millrace:engines", "changed"])
        await eventually("it loads") { directory.engines(for: "org/m", task: .chat).isEmpty }
        #expect(directory.knows("org/m", .chat))
        _ = try await redis.command(["DEL", "millrace:{engines}:1"])
        await eventually("it is forgotten without being told of") {
            !directory.knows("org/m", .chat)
        }
        directory.close()
        redis.close()
        server.stop()
    }

    @Test("The last view stays while Redis is away")
    @LoopActor func outage() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        let directory = EngineDirectory(redis: redis)
        _ = try await redis.command(["SADD", "millrace:{engines}", "1"])
        _ = try await redis.command(["SET", "millrace:{engines}:1", .text(Self.record("1"))])
        directory.start()
        await eventually("the engine is found") { directory.knows("org/m", .chat) }
        server.kill()
        await eventually("the loss is noticed") { !redis.isReady }
        #expect(directory.engines(for: "org/m", task: .chat).count == 1)
        directory.close()
        redis.close()
        server.stop()
    }

    @Test("The engine with the least to do comes first, and one that is full does not come")
    @LoopActor func leastInFlight() {
        let first = Engine(url: "http://a", kind: "vllm", model: "org/m", task: .chat, maxInFlight: 2)
        let second = Engine(url: "http://b", kind: "vllm", model: "org/m", task: .chat, maxInFlight: 2)
        let directory = EngineDirectory(redis: nil, configured: [first, second])
        directory.began(first)
        #expect(directory.engines(for: "org/m", task: .chat) == [second, first])
        directory.began(first)
        #expect(directory.engines(for: "org/m", task: .chat) == [second])
        directory.succeeded(first)
        directory.abandoned(first)
        directory.began(second)
        #expect(directory.engines(for: "org/m", task: .chat) == [first, second])
    }

    @Test("An engine that keeps failing rests, then serves one call before all others")
    @LoopActor func breaker() {
        var health = EngineHealth()
        var now = Instant(nanoseconds: 0)
        for _ in 0..<2 {
            health.began()
            health.failed(at: now)
        }
        #expect(health.mayServe(at: now))
        health.began()
        health.failed(at: now)
        #expect(!health.mayServe(at: now))
        now = now.advanced(by: .seconds(2))
        #expect(health.mayServe(at: now))
        health.began()
        let second = health.mayServe(at: now)
        #expect(!second, "one call goes first")
        health.failed(at: now)
        #expect(!health.mayServe(at: now.advanced(by: .seconds(3))), "the second rest is longer")
        now = now.advanced(by: .seconds(4))
        health.began()
        health.succeeded()
        #expect(health.mayServe(at: now))
        #expect(health.inFlight == 0)
    }

    @Test("The operator's list is read strictly")
    func configuration() throws {
        let text = #"[{"url":"http://127.0.0.1:8000/","kind":"tei","model":"BAAI/bge","task":"embed","key":"k"}]"#
        let engines = try Engine.list(text)
        #expect(
            engines == [
                Engine(url: "http://127.0.0.1:8000", kind: "tei", model: "BAAI/bge", task: .embed, keyName: "k")
            ]
        )
        for bad in ["", "{}", "[1]", #"[{"url":"file:///etc","kind":"tei","model":"m"}]"#, #"[{"url":"http://a"}]"#] {
            #expect(throws: EngineProblem.self) { try Engine.list(bad) }
        }
        #expect(try Engine.keys(#"{"a":"b"}"#) == ["a": "b"])
        #expect(throws: EngineProblem.self) { try Engine.keys(#"{"a":1}"#) }
    }
}
