import Core
import EventLoop
import Redis
import TestSupport
import Testing

@Suite("Redis in trouble", .onLoop, .timeLimit(.minutes(1)))
struct RedisFailureTests {
    @Test("A frozen Redis costs the deadline and no more, and its late answers are nobody's")
    @LoopActor func deadline() async throws {
        let server = try RedisServer()
        var options = RedisOptions()
        options.breakerThreshold = 1_000
        options.stallTimeout = .seconds(30)
        let client = try await connectedClient(server.unixURL, options)
        server.freeze()
        let start = LoopClock.now
        async let first = caught { try await client.command(["ECHO", "late"]) }
        async let second = caught { try await client.command(["ECHO", "later"], timeout: .milliseconds(80)) }
        client.send(["SET", "sent", "yes"])
        let errors = await [first, second]
        #expect(errors.allSatisfy { $0?.code == .timeout && $0?.mayHaveRun == true })
        #expect(LoopClock.now.milliseconds(since: start) >= 79)
        #expect(client.statistics.timeouts == 3)
        #expect(client.pendingCount == 3, "what was sent keeps its place until it is answered")
        server.thaw()
        #expect(try await client.command(["ECHO", "in time"], timeout: .seconds(5)).text == "in time")
        #expect(try await client.command(["GET", "sent"], timeout: .seconds(5)).text == "yes")
        #expect(client.statistics.reconnects == 0 && client.pendingCount == 0)
        client.close()
        server.stop()
    }

    @Test("The breaker opens when Redis freezes and closes when it is back")
    @LoopActor func breaker() async throws {
        let server = try RedisServer()
        var options = RedisOptions()
        options.breakerThreshold = 3
        options.longestBackoff = .milliseconds(100)
        let client = try await connectedClient(server.unixURL, options)
        server.freeze()
        for _ in 0..<3 { #expect(await caught { try await client.command(["PING"]) }?.code == .timeout) }
        let start = LoopClock.now
        for _ in 0..<1_000 { #expect(await caught { try await client.command(["PING"]) }?.code == .unavailable) }
        #expect(LoopClock.now.milliseconds(since: start) < 1_000, "commands fail at once")
        #expect(!client.isReady)
        server.thaw()
        await eventually("a probe closes the breaker") { client.isReady }
        #expect(try await client.command(["PING"], timeout: .seconds(5)) == .status("PONG"))
        client.close()
        server.stop()
    }

    @Test("A peer that stays silent is given up and another connection is tried")
    @LoopActor func stall() async throws {
        let server = try RedisServer()
        var options = RedisOptions()
        options.stallTimeout = .milliseconds(100)
        options.connectTimeout = .milliseconds(200)
        options.longestBackoff = .milliseconds(50)
        let client = try await connectedClient(server.tcpURL, options)
        server.freeze()
        #expect(await caught { try await client.command(["PING"]) }?.code == .timeout)
        await eventually("the connection is given up") { !client.isReady && client.pendingCount == 0 }
        server.thaw()
        await eventually("another one serves") { client.isReady }
        #expect(client.statistics.reconnects == 1)
        client.close()
        server.stop()
    }

    @Test("When Redis is killed what is under way fails, and after its restart everything goes on")
    @LoopActor func restart() async throws {
        let server = try RedisServer()
        var options = patient
        // However often connecting is tried in vain until the server is back, the command that waits is to be kept.
        options.breakerThreshold = 1_000
        let client = try await connectedClient(server.tcpURL, options)
        let script = RedisScript("one", source: Array("return 1".utf8))
        #expect(try await client.evaluate(script, keys: []) == .integer(1))
        server.freeze()
        async let underWay = caught { try await client.command(["INCR", "x"]) }
        await eventually("the command is under way") { client.pendingCount == 1 }
        server.kill()
        let error = await underWay
        #expect(error?.code == .connectionLost && error?.mayHaveRun == true)
        async let queued = client.command(["SET", "queued", "kept"])
        await eventually("a command waits for the connection") { client.pendingCount == 1 }
        try server.start()
        #expect(try await queued == .status("OK"))
        #expect(try await client.command(["GET", "queued"]).text == "kept")
        #expect(try await client.evaluate(script, keys: []) == .integer(1), "the new Redis does not know the script")
        #expect(client.statistics.reconnects == 1)
        client.close()
        server.stop()
    }

    @Test("Nothing waits without bound, in number or in bytes")
    @LoopActor func bounds() async throws {
        let server = try RedisServer()
        var options = RedisOptions()
        options.timeout = .seconds(5)
        options.queueLimit = 100
        options.queueBytes = 1 << 20
        let client = try await connectedClient(server.unixURL, options)
        server.freeze()
        for _ in 0..<100 { client.send(["PING"]) }
        #expect(client.statistics.rejections == 0)
        #expect(await caught { try await client.command(["PING"]) }?.code == .overloaded)
        client.send(["PING"])
        #expect(client.statistics.rejections == 2 && client.pendingCount == 100)
        server.thaw()
        await eventually("the queue drains") { client.pendingCount == 0 }
        server.freeze()
        let large = [UInt8](repeating: 1, count: 3 << 20)
        client.send(["SET", "large", .bytes(large)])
        #expect(await caught { try await client.command(["PING"]) }?.code == .overloaded)
        server.thaw()
        await eventually("the bytes leave") { client.pendingCount == 0 }
        #expect(try await client.command(["STRLEN", "large"]) == .integer(3 << 20), "it was sent after all")
        client.close()
        server.stop()
    }

    @Test("Without a connection commands wait for their deadline, then the breaker turns them away")
    @LoopActor func neverThere() async throws {
        var options = RedisOptions()
        options.breakerThreshold = 50
        let address = try #require(RedisAddress("unix:///tmp/millrace-no-such-redis.sock"))
        let client = RedisClient(address: address, options: options, log: .silent)
        client.start()
        let error = await caught { try await client.command(["PING"]) }
        #expect(error?.code == .timeout && error?.mayHaveRun == false)
        for _ in 0..<60 { client.send(["PING"]) }
        await eventually("the breaker opens") {
            await caught { try await client.command(["PING"]) }?.code == .unavailable
        }
        #expect(client.pendingCount == 0)
        client.close()
    }

    @Test("A subscription whose peer falls silent is given up and taken up again")
    @LoopActor func silentSubscription() async throws {
        let server = try RedisServer()
        var options = patient
        options.heartbeat = .milliseconds(30)
        options.connectTimeout = .milliseconds(100)
        let client = try await connectedClient(server.tcpURL, options)
        let subscription = client.subscribe(["news"]) { _ in }
        await eventually("the subscription holds") { subscription.isLive }
        server.freeze()
        await eventually("the silence is noticed") { !subscription.isLive }
        server.thaw()
        await eventually("the subscription holds again") { subscription.isLive }
        subscription.close()
        #expect(!subscription.isLive)
        client.close()
        server.stop()
    }

    @Test("A client that is closed answers everybody who waits")
    @LoopActor func closing() async throws {
        let server = try RedisServer()
        let client = try await connectedClient(server.unixURL)
        server.freeze()
        let underWay = Task { @LoopActor in await caught { try await client.command(["PING"]) } }
        await eventually("the command is under way") { client.pendingCount == 1 }
        client.close()
        #expect(await underWay.value?.code == .closed)
        #expect(await caught { try await client.command(["PING"]) }?.code == .closed)
        #expect(client.pendingCount == 0 && !client.isReady)
        server.stop()
    }

    @Test(
        "Whatever a peer sends, the client survives and starts over",
        arguments: [
            "+OK\r\n", "garbage\r\n", "$-5\r\n", "*2147483647\r\n", "-ERR max number of clients reached\r\n", ":1:\r\n",
            "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "", "\u{0}\u{0}",
        ]
    )
    @LoopActor func hostilePeer(_ noise: String) async throws {
        let peer = try HostilePeer(after: Array("+PONG\r\n".utf8), saying: Array(noise.utf8))
        defer { peer.close() }
        var options = RedisOptions()
        options.longestBackoff = .milliseconds(20)
        options.timeout = .milliseconds(20)
        options.stallTimeout = .milliseconds(40)
        options.breakerThreshold = 1_000_000
        let address = try #require(RedisAddress("redis://\(peer.address)"))
        let client = RedisClient(address: address, options: options, log: .silent)
        client.start()
        await eventually("the client connects again and again") {
            client.send(["PING"])
            return peer.connections >= 3
        }
        client.close()
    }
}

/// Answers the greeting as Redis would and then says something it should not.
@LoopActor
private final class HostilePeer: StreamSocketDelegate {
    private let greeting: [UInt8]
    private let noise: [UInt8]
    private var sockets: [StreamSocket] = []
    private var listener: StreamListener?
    private(set) var connections = 0

    init(after greeting: [UInt8], saying noise: [UInt8]) throws {
        self.greeting = greeting
        self.noise = noise
        listener = try StreamListener(on: .tcp(host: "127.0.0.1", port: 0)) { [weak self] in self?.accepted($0) }
    }

    var address: String { listener?.address.description ?? "" }

    func close() {
        listener?.close()
        for socket in sockets { socket.close() }
    }

    private func accepted(_ socket: StreamSocket) {
        connections += 1
        sockets.append(socket)
        socket.delegate = self
        socket.startReading()
        unsafe greeting.withUnsafeBytes { unsafe socket.write($0) }
        unsafe noise.withUnsafeBytes { unsafe socket.write($0) }
    }

    func socketReceived(_ bytes: UnsafeRawBufferPointer) {}
    func socketReachedEnd() {}
    func socketFailed(_ error: LoopError) {}
    func socketDrained() {}
}
