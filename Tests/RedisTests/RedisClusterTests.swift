import Core
import EventLoop
import TestSupport
import Testing

@testable import Redis

@Suite("Redis cluster", .onLoop, .timeLimit(.minutes(1)))
struct RedisClusterTests {
    @Test("Every call finds the node of its key, and a slot that moves meanwhile loses, doubles and refuses nothing")
    @LoopActor func routing() async throws {
        let cluster = try await ClusterFixture()
        let client = try await connectedClient(cluster.url)
        try await slotsAgree(cluster)
        try await everywhere(cluster, client)
        try await migration(cluster, client)
        try await divided(cluster, client)
        client.close()
        #expect(await caught { try await client.command(["GET", "a"]) }?.code == .closed)
        cluster.stop()
    }

    /// Our slots are the server's.
    @LoopActor private func slotsAgree(_ cluster: ClusterFixture) async throws {
        var random = SeededGenerator(seed: 7)
        let letters = Array("{}ab\u{e9}".utf8)
        for _ in 0..<200 {
            let key = (0..<Int.random(in: 0...9, using: &random)).map { _ in letters.randomElement(using: &random) ?? 0
            }
            let slot = try await cluster.admins[0].command(["CLUSTER", "KEYSLOT", .bytes(key)]).int
            #expect(slot == HashSlot.of(.bytes(key)), "\(key)")
        }
    }

    /// Scripts on all nodes, all of which forget them halfway.
    @LoopActor private func everywhere(_ cluster: ClusterFixture, _ client: RedisClient) async throws {
        let add = RedisScript("add", source: Array("return redis.call('INCRBY', KEYS[1], ARGV[1])".utf8))
        var failures: [RedisError] = []
        var settled = 0
        for number in 0..<3_000 {
            let key = RedisArgument.text("key:{\(number % 1_000)}")
            if number == 1_500 { for admin in cluster.admins { admin.send(["SCRIPT", "FLUSH"]) } }
            client.evaluate(add, keys: [key], arguments: [1]) { result in
                settled += 1
                if case .failure(let error) = result { failures.append(error) }
            }
            if number % 100 == 99 { await Task.yield() }
        }
        await eventually("all are answered") { settled == 3_000 }
        #expect(failures == [])
        for number in 0..<1_000 {
            #expect(try await client.command(["GET", .text("key:{\(number)}")]).int == 3)
        }
        for admin in cluster.admins { #expect(try await admin.command(["DBSIZE"]).int ?? 0 > 250) }
        for place in 0..<3 { #expect(try await cluster.errors("MOVED", at: place) == 0, "the map was right") }
        #expect(client.statistics.errors == 0 && client.statistics.commands == 4_000 && client.pendingCount == 0)
        #expect(client.statistics.latency.total == 4_000 && client.statistics.latency.nanoseconds > 0)
        #expect(await caught { try await client.command(["MGET", "a", "b", "c"]) }?.prefix == "CROSSSLOT")
        #expect(try await client.command(["PING"]) == .status("PONG"))
    }

    /// The tag {a} is slot 15495: it goes from the last node to the first while its keys are counted.
    @LoopActor private func migration(_ cluster: ClusterFixture, _ client: RedisClient) async throws {
        let add = RedisScript("increment", source: Array("return redis.call('INCR', KEYS[1])".utf8))
        let hammer = Hammer(client, limit: .seconds(5)) { number, timeout, done in
            let key = RedisArgument.text("{a}:\(number % 100)")
            if number % 2 == 0 {
                client.command(["INCR", key], timeout: timeout, completion: done)
            } else {
                client.evaluate(add, keys: [key], timeout: timeout, completion: done)
            }
        }
        await eventually("the keys exist") { hammer.succeeded > 1_000 }
        try await open(15_495, from: 2, to: 0, cluster)
        var moved = 0
        while true {
            let keys = try await cluster.admins[2].command(["CLUSTER", "GETKEYSINSLOT", 15_495, 10]).elements
            if keys.isEmpty { break }
            try await migrate(keys.compactMap(\.bytes), from: 2, to: 0, cluster)
            moved += keys.count
            cluster.admins[0].send(["SCRIPT", "FLUSH"])
            let before = hammer.succeeded
            await eventually("commands go on meanwhile") { hammer.succeeded > before + 50 }
        }
        #expect(moved == 100)
        let to = try await cluster.id(0)
        for place in [0, 2] {
            _ = try await cluster.admins[place].command(["CLUSTER", "SETSLOT", 15_495, "NODE", .text(to)])
        }
        let before = hammer.succeeded
        await eventually("commands go on afterwards") { hammer.succeeded > before + 1_000 }
        await hammer.stop()
        var sum = 0
        for number in 0..<100 { sum += try await client.command(["GET", .text("{a}:\(number)")]).int ?? 0 }
        #expect(sum == hammer.succeeded && hammer.settled == hammer.issued && hammer.doubles == 0)
        #expect(hammer.failed == 0 && hammer.unknown == 0, "\(hammer.prefixes) \(hammer.codes)")
        let asks = try await cluster.errors("ASK", at: 2)
        let moves = try await cluster.errors("MOVED", at: 2)
        #expect(asks > 0 && moves > 0)
        #expect(moves < 100, "after the first the map is right")
        print("a moved slot: ASK \(asks), MOVED \(moves), \(hammer)")
    }

    /// Keys of one command on both sides of a migration wait for its end, within the deadline.
    @LoopActor private func divided(_ cluster: ClusterFixture, _ client: RedisClient) async throws {
        _ = try await client.command(["MSET", "{c}1", "x", "{c}2", "y"])
        // The tag {c} is slot 7365, which the second node serves.
        try await open(7_365, from: 1, to: 2, cluster)
        try await migrate([Array("{c}1".utf8)], from: 1, to: 2, cluster)
        let start = LoopClock.now
        let error = await caught { try await client.command(["MGET", "{c}1", "{c}2"], timeout: .milliseconds(60)) }
        #expect(error?.condition == .tryAgain && error?.isTemporary == true)
        #expect(LoopClock.now.milliseconds(since: start) < 500)
        async let both = client.command(["MGET", "{c}1", "{c}2"])
        await eventually("it waits") { client.pendingCount == 1 }
        try await migrate([Array("{c}2".utf8)], from: 1, to: 2, cluster)
        #expect(try await both.elements.map(\.text) == ["x", "y"])
    }

    @LoopActor private func open(_ slot: Int, from source: Int, to target: Int, _ cluster: ClusterFixture) async throws
    {
        let (from, to) = (try await cluster.id(source), try await cluster.id(target))
        let (source, target) = (cluster.admins[source], cluster.admins[target])
        _ = try await target.command(["CLUSTER", "SETSLOT", .integer(slot), "IMPORTING", .text(from)])
        _ = try await source.command(["CLUSTER", "SETSLOT", .integer(slot), "MIGRATING", .text(to)])
    }

    @LoopActor private func migrate(
        _ keys: [[UInt8]],
        from source: Int,
        to target: Int,
        _ cluster: ClusterFixture
    ) async throws {
        let port = RedisArgument.integer(Int(cluster.servers[target].port))
        let head: [RedisArgument] = ["MIGRATE", "127.0.0.1", port, "", 0, 5_000, "KEYS"]
        _ = try await cluster.admins[source].command(head + keys.map { .bytes($0) })
    }

    @Test("When a master dies its replica is followed, for commands and for messages, and nothing waits too long")
    @LoopActor func failover() async throws {
        let cluster = try await ClusterFixture(replicas: 1)
        let client = try await connectedClient(cluster.url)
        var received: [String] = []
        let subscriptions = (0..<4).map { _ in
            client.subscribe(["news"]) { event in
                if case .message(_, let payload) = event { received.append(payload.text) }
            }
        }
        await eventually("the subscriptions hold") { subscriptions.allSatisfy(\.isLive) }
        // 400 keys all over, of which the first node has a third.
        let hammer = Hammer(client, limit: .milliseconds(100)) { number, timeout, done in
            client.command(["INCR", .text("key:\(number % 400)")], timeout: timeout, completion: done)
        }
        await eventually("commands run") { hammer.succeeded > 1_000 }
        cluster.servers[0].kill()
        await eventually(within: .seconds(15), "the replica takes over") {
            (try? await cluster.admins[3].command(["ROLE"]))?.elements.first?.text == "master"
        }
        // The tag {b} is slot 3300, which the dead node has served.
        let wait = await timeToServe(client, ["SET", "{b}", 1])
        #expect(wait < 1_000)
        await hammer.stop()
        await eventually("the subscriptions hold again") { subscriptions.allSatisfy(\.isLive) && client.isReady }
        _ = try await client.command(["PUBLISH", "news", "well"])
        await eventually("messages reach everybody") { received == ["well", "well", "well", "well"] }
        #expect(hammer.settled == hammer.issued && hammer.doubles == 0)
        #expect(hammer.failed + hammer.unknown > 0, "the test has seen the trouble")
        #expect(hammer.slowestMilliseconds < 100 + 200)
        print("a master died: served \(Int(wait)) ms after its replica took over, \(hammer)")
        for subscription in subscriptions { subscription.close() }
        client.close()
        cluster.stop()
    }

    @Test("A frozen node costs its own keys their deadline, and a cluster that is down is turned away until it is up")
    @LoopActor func outages() async throws {
        let cluster = try await ClusterFixture(appendOnly: true)
        var options = RedisOptions()
        options.breakerThreshold = 3
        let client = try await connectedClient(cluster.url, options)
        for key: RedisArgument in ["{b}", "{c}", "{a}"] {
            _ = try await client.command(["SET", key, "kept"], timeout: .seconds(5))
        }
        try await frozenNode(cluster, client)
        try await clusterDown(cluster, client)
        client.close()
        cluster.stop()
    }

    /// The tag {b} is slot 3300, which the first node serves; {c} is the second's.
    @LoopActor private func frozenNode(_ cluster: ClusterFixture, _ client: RedisClient) async throws {
        cluster.servers[0].freeze()
        for _ in 0..<3 { #expect(await caught { try await client.command(["GET", "{b}"]) }?.code == .timeout) }
        let start = LoopClock.now
        for _ in 0..<100 { #expect(await caught { try await client.command(["GET", "{b}"]) }?.code == .unavailable) }
        #expect(LoopClock.now.milliseconds(since: start) < 1_000 && !client.isReady)
        // The others do not call the cluster down until the node's time-out has passed.
        #expect(try await client.command(["GET", "{c}"], timeout: .seconds(5)).text == "kept")
        cluster.servers[0].thaw()
        #expect(await timeToServe(client, ["GET", "{b}"]) < 1_000)
        await eventually("all is well") { client.isReady }
    }

    @LoopActor private func clusterDown(_ cluster: ClusterFixture, _ client: RedisClient) async throws {
        cluster.servers[0].kill()
        await eventually("the other nodes call the cluster down") { await !cluster.isWell(cluster.admins[1]) }
        var seen: Set<RedisError.Condition?> = []
        await eventually("the breaker opens") {
            let error = await caught { try await client.command(["GET", "{c}"]) }
            seen.insert(error?.condition)
            return error?.code == .unavailable
        }
        #expect(seen.contains(.clusterDown))
        let start = LoopClock.now
        for _ in 0..<100 { client.send(["GET", "{c}"]) }
        #expect(LoopClock.now.milliseconds(since: start) < 50 && client.pendingCount == 0)
        try cluster.servers[0].start()
        await eventually(within: .seconds(20), "the cluster is up") {
            var wellNodes = 0
            for admin in cluster.admins where await cluster.isWell(admin) { wellNodes += 1 }
            return wellNodes == 3
        }
        let wait = await timeToServe(client, ["GET", "{c}"])
        #expect(wait < 1_000)
        #expect(try await client.command(["GET", "{b}"], timeout: .seconds(5)).text == "kept")
        print("a cluster that was down: served \(Int(wait)) ms after it was up")
    }

    @Test("Without a single node commands wait for their deadline, then the breaker turns them away")
    @LoopActor func nobody() async throws {
        let url = "redis+cluster://127.0.0.1:\(RedisServer.freePort()),127.0.0.1:\(RedisServer.freePort())"
        var options = RedisOptions()
        options.breakerThreshold = 2
        options.queueLimit = 10
        let client = RedisClient(address: try #require(RedisAddress(url)), options: options, log: .silent)
        client.start()
        for _ in 0..<10 { client.send(["GET", "a"]) }
        #expect(await caught { try await client.command(["GET", "a"]) }?.code == .overloaded)
        await eventually("the breaker opens") {
            await caught { try await client.command(["GET", "a"]) }?.code == .unavailable
        }
        #expect(!client.isReady && client.pendingCount == 0)
        client.close()
    }
}
