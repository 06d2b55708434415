import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

@Suite("Settings", .onLoop, .timeLimit(.minutes(1)))
struct SettingsTests {
    @Test("A change reaches all workers within 100 ms, and its removal returns to the environment's value")
    @LoopActor func spreading() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        let workers = try await (0..<4).asyncMap { _ in
            try await listening(server, defaults: ["commit_after": "1.5", "retry_times": "5"])
        }
        #expect(workers.allSatisfy { $0.values[.commitAfter] == .milliseconds(1_500) && $0.values[.retryTimes] == 5 })
        #expect(workers.allSatisfy { $0.values[.accessLog] == false && $0.values[.logLevel] == "info" })
        var seen: [[Duration]] = [[], [], [], []]
        for (place, worker) in workers.enumerated() {
            worker.observe { seen[place].append($0[.commitAfter]) }
        }
        var spans: [Duration] = []
        let clock = ContinuousClock()
        for round in 1...20 {
            let start = clock.now
            try await workers[round % 4].set("commit_after", "\(round)", by: "admin")
            await eventually("all follow") {
                workers.allSatisfy { $0.values[.commitAfter] == .seconds(round) }
            }
            spans.append(clock.now - start)
        }
        spans.sort()
        // The slowest says how busy the machine is.
        #expect(spans[10] < .milliseconds(100))
        print("settings: 20 changes, with all 4 workers after \(spans[10]), the slowest after \(spans[19])")
        let expected = [.milliseconds(1_500)] + (1...20).map { Duration.seconds($0) }
        #expect(seen.allSatisfy { $0 == expected }, "observers hear of each change once")
        #expect(workers[0].list().first { $0.name == "commit_after" }?.source == .cluster)
        try await workers[0].remove("commit_after", by: "somebody")
        await eventually("all are back") {
            workers.allSatisfy { $0.values[.commitAfter] == .milliseconds(1_500) }
        }
        let row = try #require(workers[3].list().first { $0.name == "commit_after" })
        #expect(row.value == "1.5" && row.defaultValue == "1.5" && row.source == .environment)
        #expect(workers[0].list().count == SettingDefinition.known.count)

        let changes = try await workers[1].changes(count: 2)
        #expect(changes.map(\.by) == ["somebody", "admin"])
        #expect(changes.map(\.old) == ["20", "19"])
        #expect(changes.map(\.new) == [nil, "20"])
        // What changes nothing leaves no trace.
        try await workers[0].remove("commit_after", by: "nobody")
        #expect(try await workers[0].changes(count: 1).first?.by == "somebody")
        redis.close()
        close(workers)
        server.stop()
    }

    @Test(
        "Values that do not fit are refused",
        arguments: [
            ("retry_times", "21"), ("retry_times", "-1"), ("retry_times", "x"), ("commit_after", "nan"),
            ("commit_after", "-1"), ("commit_after", "61"), ("commit_after", ""), ("access_log", "maybe"),
            ("log_level", "loud"), ("model_routes", "{"), ("prices", ""), ("prices", "[]"),
        ]
    )
    @LoopActor func refusals(_ name: String, _ value: String) async throws {
        let redis = RedisClient(address: try #require(RedisAddress("unix:///nowhere")), log: .silent)
        let settings = Settings(
            redis: redis,
            checks: ["prices": { $0.hasPrefix("{") ? nil : "It must be an object." }],
            log: .silent
        )
        #expect(await caughtCode { try await settings.set(name, value, by: "admin") } == .invalidRequest)
        #expect(await caughtCode { try await settings.set("nothing", value, by: "admin") } == .notFound)
        redis.close()
    }

    @Test("Bad values from the environment or from Redis are left out and logged once")
    @LoopActor func outside() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        let lines = LogLines()
        let log = Log(level: .debug, now: { (0, 0) }, sink: { lines.append($0) })
        let settings = Settings(redis: redis, defaults: ["retry_times": "many", "log_level": "debug"], log: log)
        #expect(settings.values[.retryTimes] == 3)
        #expect(settings.values[.logLevel] == "debug")
        _ = try await redis.command([
            "HSET", "millrace:{settings}", "log_level", "loud", "commit_after", "7", "unknown", "x",
        ])
        try await settings.load()
        try await settings.load()
        #expect(settings.values[.logLevel] == "debug")
        #expect(settings.values[.commitAfter] == .seconds(7))
        #expect(settings.list().first { $0.name == "log_level" }?.source == .environment)
        #expect(lines.count(of: "setting ignored") == 2)
        redis.close()
        server.stop()
    }

    @Test("The last values stay while Redis is away, and what was missed is read afterwards")
    @LoopActor func outage() async throws {
        let server = try DurableRedisServer()
        let redis = try await connectForLedger(server.url)
        let settings = Settings(redis: redis, log: .silent)
        settings.start()
        await eventually("it listens") { settings.isListening }
        try await settings.set("retry_times", "7", by: "admin")
        server.kill()
        await eventually("the loss is noticed") { !settings.isListening && !redis.isReady }
        #expect(settings.values[.retryTimes] == 7)
        #expect(await caughtCode { try await settings.set("retry_times", "8", by: "admin") } == .stateUnavailable)
        try server.start()
        await eventually("Redis is back") { redis.isReady }
        // Nobody announces this one; the worker cannot know what it has missed when it is cut off.
        _ = try await redis.command(["HSET", "millrace:{settings}", "retry_times", "9"])
        _ = try await redis.command(["CLIENT", "KILL", "TYPE", "pubsub"])
        await eventually("everything is read again") { settings.values[.retryTimes] == 9 }
        settings.close()
        redis.close()
        server.stop()
    }

    @Test("Every built-in default fits its kind and its key")
    @LoopActor func builtIn() throws {
        let redis = RedisClient(address: try #require(RedisAddress("unix:///nowhere")), log: .silent)
        let values = Settings(redis: redis, log: .silent).values
        #expect(values.values.count == SettingDefinition.known.count)
        #expect(Set(SettingDefinition.known.map(\.name)).count == SettingDefinition.known.count)
        // A key that reads another type would return what an empty registry does.
        let keys: [SettingKey<Duration>] = [
            .commitAfter, .firstTokenTimeout, .streamIdleTimeout, .keepAliveInterval, .clientStallTimeout,
            .requestTimeout, .streamTimeout,
        ]
        for key in keys { #expect(values.values[key.name].flatMap { key.read($0) } == key.fallback) }
        for key in [SettingKey<String>.logLevel, .modelRoutes, .prices] {
            #expect(values.values[key.name].flatMap { key.read($0) } == key.fallback)
        }
        for key in [SettingKey<Int>.retryTimes, .logLength] {
            #expect(values.values[key.name].flatMap { key.read($0) } == key.fallback)
        }
        let flag = SettingKey<Bool>.accessLog
        #expect(values.values[flag.name].flatMap { flag.read($0) } == flag.fallback)
        redis.close()
    }

    @LoopActor private func listening(_ server: RedisServer, defaults: [String: String]) async throws -> Settings {
        let settings = Settings(redis: try await connectForLedger(server.unixURL), defaults: defaults, log: .silent)
        settings.start()
        await eventually("it listens") { settings.isListening }
        return settings
    }

    @LoopActor private func close(_ workers: [Settings]) {
        for worker in workers {
            worker.close()
            worker.redis.close()
        }
    }
}

extension Range<Int> {
    @LoopActor fileprivate func asyncMap<T>(_ body: @LoopActor (Int) async throws -> T) async rethrows -> [T] {
        var results: [T] = []
        for element in self { results.append(try await body(element)) }
        return results
    }
}
