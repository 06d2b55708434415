import Core
import EventLoop
import Redis
import TestSupport
import Testing

/// States of one server, and what the client makes of them.
@Suite("Redis refusing", .onLoop, .timeLimit(.minutes(1)))
struct RedisConditionTests {
    @Test("When memory is full writes and scripts are refused as such, reads go on, and the breaker stays closed")
    @LoopActor func outOfMemory() async throws {
        let server = try RedisServer(arguments: ["--maxmemory", "4mb", "--maxmemory-policy", "noeviction"])
        let client = try await connectedClient(server.unixURL)
        let write = RedisScript("write", source: Array("return redis.call('SET', KEYS[1], ARGV[1])".utf8))
        let large = RedisArgument.bytes([UInt8](repeating: 1, count: 100_000))
        var refusals: [RedisError] = []
        for number in 0..<100 {
            let key = RedisArgument.text("key:\(number)")
            if let error = await caught({ try await client.command(["SET", key, large]) }) { refusals.append(error) }
        }
        #expect(refusals.count > 50)
        // Now there is no room for a single byte.
        _ = try await client.command(["CONFIG", "SET", "maxmemory", 1])
        #expect(refusals.allSatisfy { $0.condition == .outOfMemory && $0.isTemporary && !$0.mayHaveRun })
        #expect(
            await caught { try await client.evaluate(write, keys: ["a"], arguments: [1]) }?.condition == .outOfMemory
        )
        #expect(client.isReady)
        #expect(try await client.command(["STRLEN", "key:0"]) == .integer(100_000))
        _ = try await client.command(["CONFIG", "SET", "maxmemory", 0])
        #expect(try await client.evaluate(write, keys: ["a"], arguments: [1]) == .status("OK"))
        client.close()
        server.stop()
    }

    @Test("A server that is busy with a script opens the breaker, and its end closes it")
    @LoopActor func busy() async throws {
        let server = try RedisServer(arguments: ["--busy-reply-threshold", "20"])
        var options = patient
        options.breakerThreshold = 3
        let client = try await connectedClient(server.unixURL, options)
        let admin = try await connectedClient(server.unixURL)
        let runner = try await connectedClient(server.unixURL)
        runner.send(["EVAL", "while true do end", 0])
        await eventually("the script runs") {
            await caught { try await client.command(["GET", "a"]) }?.condition == .busy
        }
        await eventually("the breaker opens") {
            await caught { try await client.command(["GET", "a"]) }?.code == .unavailable
        }
        #expect(!client.isReady)
        client.close()
        let waiting = try await connectedBusy(server)
        _ = try await admin.command(["SCRIPT", "KILL"])
        await eventually("the server serves again") { waiting.isReady }
        #expect(try await waiting.command(["GET", "a"]).isNull)
        runner.close()
        waiting.close()
        admin.close()
        server.stop()
    }

    /// A client that is made while the server is busy and therefore has no connection yet.
    @LoopActor private func connectedBusy(_ server: RedisServer) async throws -> RedisClient {
        let client = RedisClient(address: try #require(RedisAddress(server.tcpURL)), options: patient, log: .silent)
        client.start()
        #expect(await caught { try await client.command(["GET", "a"], timeout: .milliseconds(30)) } != nil)
        #expect(!client.isReady)
        return client
    }

    @Test("A replica without its master serves nobody, one that only reads says so, and either comes back")
    @LoopActor func replica() async throws {
        let nowhere = RedisServer.freePort()
        let server = try RedisServer(
            arguments: ["--replicaof", "127.0.0.1 \(nowhere)", "--replica-serve-stale-data", "no"]
        )
        let client = RedisClient(address: try #require(RedisAddress(server.tcpURL)), options: patient, log: .silent)
        client.start()
        let error = await caught { try await client.command(["GET", "a"], timeout: .milliseconds(100)) }
        #expect(error?.isTemporary == true && !client.isReady)
        // An INFO is allowed to strangers too, but our greeting is not, so this goes around the client.
        _ = await BlockingClient.converse(
            Array("CONFIG SET replica-serve-stale-data yes\r\nQUIT\r\n".utf8),
            with: .tcp(host: "127.0.0.1", port: server.port),
            endsSending: false
        )
        await eventually("the replica serves") { client.isReady }
        let refusal = await caught { try await client.command(["SET", "a", 1]) }
        #expect(refusal?.condition == .readOnly && refusal?.prefix == "READONLY")
        #expect(client.statistics.reconnects == 0, "a fixed address leads to the same server again")
        _ = try await client.command(["REPLICAOF", "NO", "ONE"])
        #expect(await timeToServe(client, ["SET", "a", 1]) < 1_000)
        client.close()
        server.stop()
    }
}
