import Core
import EventLoop
import Redis
import TestSupport
import Testing

/// One server through everything that befalls it, with thousands of commands under way.
@Suite("Redis coming back", .onLoop, .timeLimit(.minutes(1)))
struct RedisRecoveryTests {
    @Test("Frozen, made to forget its scripts, killed and started again: every command has one end and none waits")
    @LoopActor func trials() async throws {
        let server = try RedisServer(appendOnly: true)
        let client = try await connectedClient(server.unixURL, RedisOptions())
        let watcher = try await connectedClient(server.tcpURL)
        let add = RedisScript("add", source: Array("return redis.call('INCR', KEYS[1])".utf8))
        let hammer = Hammer(client, lanes: 32, limit: .milliseconds(100)) { number, timeout, done in
            if number % 4 == 0 {
                client.command(["INCR", "counter"], timeout: timeout, completion: done)
            } else {
                client.evaluate(add, keys: ["counter"], timeout: timeout, completion: done)
            }
        }
        for round in 0..<3 {
            let before = hammer.succeeded
            await eventually("commands run") { hammer.succeeded > before + 1_000 }
            _ = try await watcher.command(["SCRIPT", "FLUSH"])
            server.freeze()
            let failures = hammer.failed + hammer.unknown
            await eventually("the silence is felt") { hammer.failed + hammer.unknown > failures + 100 }
            if round > 0 { server.kill() } else { server.thaw() }
            if round > 0 { try server.start() }
            #expect(await timeToServe(client, ["PING"]) < 1_000)
        }
        await hammer.stop()
        #expect(client.pendingCount == 0 || client.isReady)
        #expect(hammer.settled == hammer.issued && hammer.doubles == 0)
        #expect(hammer.prefixes == [:], "no script is ever missing")
        #expect(hammer.slowestMilliseconds < 100 + 200)
        print("freeze, flush, kill: \(hammer)")
        let counter = try await watcher.command(["GET", "counter"], timeout: .seconds(5)).int ?? 0
        #expect(counter >= hammer.succeeded && counter <= hammer.succeeded + hammer.unknown)
        client.close()
        watcher.close()
        server.stop()
    }

    @Test("After a long freeze the usual options serve, and listen, within a second", arguments: ["tcp", "unix"])
    @LoopActor func longFreeze(_ way: String) async throws {
        let server = try RedisServer()
        let client = try await connectedClient(way == "tcp" ? server.tcpURL : server.unixURL, RedisOptions())
        let subscription = client.subscribe(["news"]) { _ in }
        await eventually("the subscription holds") { subscription.isLive }
        server.freeze()
        for _ in 0..<5 { client.send(["PING"]) }
        // Long enough for the connections to be given up and for the attempts to reach their longest wait.
        let start = LoopClock.now
        await eventually("time passes") { LoopClock.now.milliseconds(since: start) > 2_500 }
        #expect(!client.isReady && !subscription.isLive)
        server.thaw()
        let wait = await timeToServe(client, ["PING"])
        await eventually("the subscription holds") { subscription.isLive }
        #expect(wait < 1_000 && LoopClock.now.milliseconds(since: start) < 3_600)
        print("a long freeze (\(way)): served \(Int(wait)) ms after its end")
        subscription.close()
        client.close()
        server.stop()
    }

    @Test("A deadline covers all steps of a script's first use")
    @LoopActor func oneDeadline() async throws {
        let server = try RedisServer()
        let client = try await connectedClient(server.unixURL)
        let one = RedisScript("one", source: Array("return 1".utf8))
        server.freeze()
        let start = LoopClock.now
        #expect(
            await caught { try await client.evaluate(one, keys: [], timeout: .milliseconds(300)) }?.code == .timeout
        )
        #expect(LoopClock.now.milliseconds(since: start) < 550, "the steps share it")
        server.thaw()
        #expect(try await client.evaluate(one, keys: []) == .integer(1))
        client.close()
        server.stop()
    }
}
