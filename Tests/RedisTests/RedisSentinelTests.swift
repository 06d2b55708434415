import Core
import EventLoop
import Redis
import TestSupport
import Testing

@Suite("Redis sentinels", .onLoop, .timeLimit(.minutes(1)))
struct RedisSentinelTests {
    @Test("The master is found although the first sentinel is dead and the second knows nothing")
    @LoopActor func discovery() async throws {
        let master = try RedisServer(password: "open")
        let ignorant = try RedisServer(watching: master.port, as: "another", quorum: 1)
        let sentinel = try RedisServer(watching: master.port, as: "main", quorum: 1)
        let dead = RedisServer.freePort()
        let url = "redis+sentinel://:open@127.0.0.1:\(dead),127.0.0.1:\(ignorant.port),127.0.0.1:\(sentinel.port)"
        let client = try await connectedClient(url + "/main/3")
        _ = try await client.command(["SET", "here", 1])
        #expect(try await client.command(["CLIENT", "INFO"]).text?.contains(" db=3 ") == true)
        let stranger = RedisClient(
            address: try #require(RedisAddress(url + "/nobody")),
            options: RedisOptions(),
            log: .silent
        )
        stranger.start()
        #expect(await caught { try await stranger.command(["GET", "here"]) }?.isTemporary == true)
        #expect(!stranger.isReady)
        stranger.close()
        client.close()
        for server in [master, ignorant, sentinel] { server.stop() }
    }

    @Test("When the master dies the new one is followed, for commands and for messages")
    @LoopActor func failover() async throws {
        let setting = try await SentinelFixture(sentinels: 3, quorum: 2)
        let client = try await connectedClient(setting.url)
        var received: [String] = []
        let subscription = client.subscribe(["news"]) { event in
            if case .message(_, let payload) = event { received.append(payload.text) }
        }
        await eventually("the subscription holds") { subscription.isLive }
        let add = RedisScript("add", source: Array("return redis.call('INCR', KEYS[1])".utf8))
        let hammer = Hammer(client, limit: .milliseconds(100)) { _, timeout, done in
            client.evaluate(add, keys: ["counter"], timeout: timeout, completion: done)
        }
        await eventually("commands run") { hammer.succeeded > 1_000 }
        // A frozen master keeps its connections, so that nothing but silence and the sentinels tell of its end.
        setting.master.freeze()
        await eventually(within: .seconds(20), "the replica takes over") {
            (try? await setting.replicaAdmin.command(["ROLE"]))?.elements.first?.text == "master"
        }
        let before = hammer.succeeded
        let promotion = LoopClock.now
        // A sentinel looks after its replicas once a second; until then nobody can be told.
        await eventually(within: .seconds(10), "a sentinel knows") { await setting.isKnown(setting.replica.port) }
        let start = LoopClock.now
        await eventually(within: .seconds(20), "commands succeed again") { hammer.succeeded > before }
        let wait = LoopClock.now.milliseconds(since: start)
        #expect(wait < 1_000)
        await eventually("the subscription holds again") { subscription.isLive && client.isReady }
        _ = try await client.command(["PUBLISH", "news", "well"])
        await eventually("messages arrive again") { received == ["well"] }
        #expect(try await setting.replicaAdmin.command(["GET", "counter"]).int ?? 0 > before)
        let atEnd = hammer.succeeded
        // The old master comes back and still takes itself for one; nobody may go there.
        setting.master.thaw()
        await eventually("commands go on") { hammer.succeeded > atEnd + 1_000 }
        await hammer.stop()
        #expect(hammer.settled == hammer.issued && hammer.doubles == 0 && hammer.unknown + hammer.failed > 0)
        #expect(hammer.slowestMilliseconds < 100 + 200)
        let delay = Int(start.milliseconds(since: promotion))
        print("a sentinel failover: known after \(delay) ms, served \(Int(wait)) ms later, \(hammer)")
        #expect(try await setting.replicaAdmin.command(["GET", "counter"]).int ?? 0 >= hammer.succeeded - before)
        subscription.close()
        client.close()
        setting.stop()
    }

    @Test("A planned switch is followed at once, by what the sentinel announces")
    @LoopActor func plannedSwitch() async throws {
        let setting = try await SentinelFixture(sentinels: 1, quorum: 1)
        let client = try await connectedClient(setting.url)
        let subscription = client.subscribe(["news"]) { _ in }
        await eventually("the subscription holds") { subscription.isLive }
        let sentinel = try await connectedClient(setting.sentinels[0].tcpURL)
        await eventually("the sentinel knows the replica") {
            let text = try? await sentinel.command(["SENTINEL", "REPLICAS", "main"])
            return text?.elements.isEmpty == false
        }
        await eventually("the sentinel agrees") {
            (try? await sentinel.command(["SENTINEL", "FAILOVER", "main"])) != nil
        }
        await eventually(within: .seconds(15), "the client writes to the new master") {
            let info = try? await client.command(["INFO", "server"]).text
            let isWritten = (try? await client.command(["SET", "key", 1])) != nil
            return isWritten && info?.contains("tcp_port:\(setting.replica.port)") == true
        }
        await eventually("the subscription holds there") {
            let clients = try? await setting.replicaAdmin.command(["PUBSUB", "NUMSUB", "news"]).elements.last?.int
            return subscription.isLive && clients == 1
        }
        subscription.close()
        client.close()
        sentinel.close()
        setting.stop()
    }

    @Test("A master that refuses to write is no master: the sentinels are asked again")
    @LoopActor func readOnly() async throws {
        let setting = try await SentinelFixture(sentinels: 1, quorum: 1)
        let client = try await connectedClient(setting.url)
        let sentinel = try await connectedClient(setting.sentinels[0].tcpURL)
        let port = RedisArgument.integer(Int(setting.replica.port))
        // Nothing is announced in this way, so only the refusal can tell.
        _ = try await sentinel.command(["SENTINEL", "REMOVE", "main"])
        _ = try await sentinel.command(["SENTINEL", "MONITOR", "main", "127.0.0.1", port, 1])
        _ = try await setting.replicaAdmin.command(["REPLICAOF", "NO", "ONE"])
        _ = try await setting.masterAdmin.command(["REPLICAOF", "127.0.0.1", port])
        let error = await caught { try await client.command(["SET", "key", 1]) }
        #expect(error?.condition == .readOnly && error?.isTemporary == true && error?.mayHaveRun == false)
        #expect(await timeToServe(client, ["SET", "key", 2]) < 1_000)
        #expect(try await setting.replicaAdmin.command(["GET", "key"]).text == "2")
        client.close()
        sentinel.close()
        setting.stop()
    }
}

/// A master, its replica, and sentinels that watch them.
@LoopActor private final class SentinelFixture {
    let master: RedisServer
    let replica: RedisServer
    let sentinels: [RedisServer]
    private var sentinelAdmins: [RedisClient] = []
    let masterAdmin: RedisClient
    let replicaAdmin: RedisClient

    init(sentinels count: Int, quorum: Int) async throws {
        let master = try RedisServer(arguments: ["--repl-diskless-sync-delay", "0"])
        replica = try RedisServer(
            arguments: ["--replicaof", "127.0.0.1 \(master.port)", "--repl-diskless-sync-delay", "0"]
        )
        self.master = master
        masterAdmin = try await connectedClient(master.tcpURL)
        let replicaAdmin = try await connectedClient(replica.tcpURL)
        self.replicaAdmin = replicaAdmin
        await eventually("the replica has the data") {
            let text = try? await replicaAdmin.command(["INFO", "replication"]).text
            return text?.contains("master_link_status:up") == true
        }
        // Only now: a sentinel asks for replicas at its start and then every ten seconds.
        sentinels = try (0..<count).map { _ in
            try RedisServer(watching: master.port, as: "main", quorum: quorum)
        }
        for sentinel in sentinels {
            let admin = try await connectedClient(sentinel.tcpURL)
            await eventually(within: .seconds(15), "the sentinels know all") {
                let text = try? await admin.command(["INFO", "sentinel"]).text
                return text?.contains("status=ok") == true && text?.contains("slaves=1,sentinels=\(count)") == true
            }
            sentinelAdmins.append(admin)
        }
    }

    /// Whether any of the sentinels names the server at this port as the master.
    func isKnown(_ port: UInt16) async -> Bool {
        for admin in sentinelAdmins {
            let reply = try? await admin.command(["SENTINEL", "get-master-addr-by-name", "main"])
            if reply?.elements.last?.int == Int(port) { return true }
        }
        return false
    }

    var url: String {
        "redis+sentinel://" + sentinels.map { "127.0.0.1:\($0.port)" }.joined(separator: ",") + "/main"
    }

    func stop() {
        for admin in sentinelAdmins { admin.close() }
        masterAdmin.close()
        replicaAdmin.close()
        for server in sentinels + [master, replica] { server.stop() }
    }
}
