import Core
import EventLoop
import Redis
import TestSupport
import Testing

@Suite("Redis client", .onLoop, .timeLimit(.minutes(1)))
struct RedisClientTests {
    @Test(
        "Commands of one turn are answered in order, over TCP and over a unix socket",
        arguments: ["tcp", "host", "unix"]
    )
    @LoopActor func pipelining(_ way: String) async throws {
        let server = try RedisServer()
        let url = ["tcp": server.tcpURL, "host": "redis://localhost:\(server.port)", "unix": server.unixURL][way]
        let client = try await connectedClient(try #require(url))
        let tasks = (0..<1_000).map { number in
            Task { @LoopActor in try await client.command(["ECHO", .integer(number)]).int }
        }
        for (number, task) in tasks.enumerated() { #expect(try await task.value == number) }
        #expect(client.statistics.errors == 0 && client.pendingCount == 0)
        client.close()
        server.stop()
    }

    @Test("Values are binary safe, empty and huge")
    @LoopActor func values() async throws {
        let server = try RedisServer()
        var options = patient
        options.timeout = .seconds(10)
        let client = try await connectedClient(server.unixURL, options)
        let every = (0...255).map { UInt8($0) }
        var huge = [UInt8](repeating: 0xA5, count: 10_000_000)
        for place in stride(from: 0, to: huge.count, by: 9_973) { huge[place] = UInt8(truncatingIfNeeded: place) }
        for value in [[], every, huge] {
            #expect(try await client.command(["SET", "key", .bytes(value)]) == .status("OK"))
            #expect(try await client.command(["GET", "key"]).bytes == value)
        }
        #expect(try await client.command(["GET", "nothing"]).isNull)
        #expect(try await client.command(["INCRBY", "number", -5]) == .integer(-5))
        let nested = try await client.command(["EVAL", "return {1, {'a', {false}}, redis.error_reply('X y')}", 0])
        #expect(nested == .array([.integer(1), .array([.bulk([97]), .array([.null])]), .error("X y")]))
        client.close()
        server.stop()
    }

    @Test("Error replies are thrown with their prefix and disturb nobody else")
    @LoopActor func errors() async throws {
        let server = try RedisServer()
        let client = try await connectedClient(server.unixURL)
        #expect(try await client.command(["SET", "key", "text"]) == .status("OK"))
        async let second = caught { try await client.command(["LPUSH", "key", "x"]) }
        async let third = client.command(["GET", "key"])
        #expect(await second?.prefix == "WRONGTYPE")
        #expect(try await third.text == "text")
        client.send(["LPUSH", "key", "x"])
        await eventually("a failure nobody waits for is counted") { client.statistics.errors == 2 }
        client.close()
        #expect(await caught { try await client.command(["PING"]) }?.code == .closed)
        server.stop()
    }

    @Test("A script is loaded at its first use and again when Redis has forgotten it")
    @LoopActor func scripts() async throws {
        let server = try RedisServer()
        let client = try await connectedClient(server.unixURL)
        let script = RedisScript("sum", source: Array("return redis.call('INCRBY', KEYS[1], ARGV[1])".utf8))
        #expect(try await client.evaluate(script, keys: ["sum"], arguments: [2]) == .integer(2))
        #expect(try await client.evaluate(script, keys: ["sum"], arguments: [3]) == .integer(5))
        _ = try await client.command(["SCRIPT", "FLUSH"])
        #expect(try await client.evaluate(script, keys: ["sum"], arguments: [4]) == .integer(9))
        let calls = try await client.command(["INFO", "commandstats"]).text ?? ""
        #expect(calls.contains("cmdstat_script|load:calls=2,"))
        let broken = RedisScript("broken", source: Array("this is not Lua".utf8))
        #expect(await caught { try await client.evaluate(broken, keys: []) }?.prefix == "ERR")
        client.close()
        server.stop()
    }

    @Test("A database and a password are given before anything else")
    @LoopActor func greeting() async throws {
        let server = try RedisServer(password: "open sesame")
        let client = try await connectedClient("unix://:open%20sesame@\(server.unixPath)?db=5")
        _ = try await client.command(["SET", "here", 1])
        #expect(try await client.command(["CLIENT", "INFO"]).text?.contains(" db=5 ") == true)
        let elsewhere = try await connectedClient("redis://default:open%20sesame@127.0.0.1:\(server.port)")
        #expect(try await elsewhere.command(["GET", "here"]).isNull)
        client.close()
        elsewhere.close()
        server.stop()
    }

    @Test(
        "A wrong or missing password and a wrong database are no connection",
        arguments: [":wrong@", "", "default:wrong@", ":right@?db=99"]
    )
    @LoopActor func refusedGreeting(_ entry: String) async throws {
        let server = try RedisServer(password: "right")
        let parts = entry.split(separator: "?", omittingEmptySubsequences: false)
        let url = "unix://\(parts[0])\(server.unixPath)" + (parts.count > 1 ? "?" + parts[1] : "")
        var options = RedisOptions()
        options.timeout = .seconds(5)
        options.breakerThreshold = 2
        let client = RedisClient(address: try #require(RedisAddress(url)), options: options, log: .silent)
        client.start()
        let error = await caught { try await client.command(["SET", "never", 1]) }
        #expect(error?.code == .unavailable && error?.mayHaveRun == false)
        #expect(!client.isReady)
        client.close()
        server.stop()
    }

    @Test("Messages arrive on their channel while commands go on")
    @LoopActor func publishing() async throws {
        let server = try RedisServer()
        let client = try await connectedClient(server.unixURL)
        var received: [String] = []
        var established = 0
        var losses = 0
        let subscription = client.subscribe(["one", "two"]) { event in
            switch event {
            case .established: established += 1
            case .message(let channel, let payload): received.append(channel + "=" + payload.text)
            case .lost: losses += 1
            }
        }
        await eventually("the subscription holds") { subscription.isLive }
        client.send(["PUBLISH", "one", "a"])
        client.send(["PUBLISH", "three", "b"])
        #expect(try await client.command(["PUBLISH", "two", "c"]) == .integer(1))
        await eventually("both messages arrive") { received == ["one=a", "two=c"] }
        #expect(established == 1)

        server.kill()
        await eventually("the loss is noticed") { !subscription.isLive }
        try server.start()
        await eventually("the subscription holds again") { subscription.isLive && client.isReady }
        #expect(established == 2 && losses == 1)
        _ = try await client.command(["PUBLISH", "one", "d"])
        await eventually("messages arrive again") { received.last == "one=d" }
        subscription.close()
        client.close()
        server.stop()
    }

    @Test("All subscriptions of a client share one connection, and each hears its own channels")
    @LoopActor func sharing() async throws {
        let server = try RedisServer()
        let client = try await connectedClient(server.unixURL)
        var heard: [String] = []
        func listen(_ name: String, _ channels: [String]) -> RedisSubscription {
            client.subscribe(channels) { event in
                switch event {
                case .established: heard.append(name + " holds")
                case .message(let channel, let payload): heard.append("\(name) \(channel)=\(payload.text)")
                case .lost: heard.append(name + " lost")
                }
            }
        }
        let first = listen("first", ["a", "b"])
        let second = listen("second", ["b", "c"])
        await eventually("both hold") { first.isLive && second.isLive }
        // A third one comes when the connection is there already.
        let third = listen("third", ["a"])
        await eventually("the third holds") { third.isLive }
        let listeners = try await client.command(["CLIENT", "LIST", "TYPE", "pubsub"]).text ?? ""
        #expect(listeners.split(separator: "\n").count == 1)
        heard.removeAll()
        for channel in ["a", "b", "c"] { client.send(["PUBLISH", .text(channel), "1"]) }
        await eventually("all is heard") { heard.count == 5 }
        #expect(Set(heard) == ["first a=1", "third a=1", "first b=1", "second b=1", "second c=1"])

        heard.removeAll()
        first.close()
        #expect(!first.isLive && second.isLive)
        for channel in ["a", "b", "c"] { client.send(["PUBLISH", .text(channel), "2"]) }
        await eventually("the others hear on") { heard.count == 3 }
        #expect(Set(heard) == ["third a=2", "second b=2", "second c=2"])

        heard.removeAll()
        _ = try await client.command(["CLIENT", "KILL", "TYPE", "pubsub"])
        await eventually("both are back") { heard.filter { $0.hasSuffix("holds") }.count == 2 }
        #expect(heard.filter { $0.hasSuffix("lost") }.count == 2)
        second.close()
        third.close()
        try await eventually("nobody listens") {
            try await client.command(["PUBLISH", "a", "3"]) == .integer(0)
        }
        let late = listen("late", ["a"])
        await eventually("a new one holds") { late.isLive }
        late.close()
        client.close()
        server.stop()
    }
}
