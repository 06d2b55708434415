import Core
import EventLoop
import Redis
import TestSupport
import Testing

@Suite("Redis cluster", .onLoop, .timeLimit(.minutes(1)))
struct RedisClusterTests {
    @Test("Every command and script finds the node of its key, and a node that forgot the script is told again")
    @LoopActor func routing() async throws {
        let cluster = try await ClusterFixture()
        let client = try await connectedClient(cluster.url)
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
        #expect(client.statistics.answers == 4_000 && client.statistics.latencyNanoseconds > 0)
        #expect(await caught { try await client.command(["MGET", "a", "b", "c"]) }?.prefix == "CROSSSLOT")
        #expect(try await client.command(["PING"]) == .status("PONG"))
        client.close()
        #expect(await caught { try await client.command(["GET", "a"]) }?.code == .closed)
        cluster.stop()
    }

    @Test("A slot moves while its keys are counted: nothing is lost, counted twice or refused")
    @LoopActor func migration() async throws {
        let cluster = try await ClusterFixture()
        let client = try await connectedClient(cluster.url)
        let add = RedisScript("add", source: Array("return redis.call('INCR', KEYS[1])".utf8))
        // The tag {a} is slot 15495, which the last node serves.
        let hammer = Hammer(client, limit: .seconds(5)) { number, timeout, done in
            let key = RedisArgument.text("{a}:\(number % 100)")
            if number % 2 == 0 {
                client.command(["INCR", key], timeout: timeout, completion: done)
            } else {
                client.evaluate(add, keys: [key], timeout: timeout, completion: done)
            }
        }
        await eventually("the keys exist") { hammer.succeeded > 1_000 }
        let (source, target) = (cluster.admins[2], cluster.admins[0])
        let (from, to) = (try await cluster.id(2), try await cluster.id(0))
        _ = try await target.command(["CLUSTER", "SETSLOT", 15495, "IMPORTING", .text(from)])
        _ = try await source.command(["CLUSTER", "SETSLOT", 15495, "MIGRATING", .text(to)])
        var moved = 0
        while true {
            let keys = try await source.command(["CLUSTER", "GETKEYSINSLOT", 15495, 10]).elements
            if keys.isEmpty { break }
            let head: [RedisArgument] = [
                "MIGRATE", "127.0.0.1", .integer(Int(cluster.servers[0].port)), "", 0, 5_000, "KEYS",
            ]
            _ = try await source.command(head + keys.compactMap { $0.bytes.map { .bytes($0) } })
            moved += keys.count
            let before = hammer.succeeded
            await eventually("commands go on meanwhile") { hammer.succeeded > before + 50 }
        }
        #expect(moved == 100)
        for admin in [target, source] {
            _ = try await admin.command(["CLUSTER", "SETSLOT", 15495, "NODE", .text(to)])
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
        #expect(asks > 0 && moves > 0, "ASK \(asks), MOVED \(moves)")
        #expect(moves < 100, "after the first the map is right")
        client.close()
        cluster.stop()
    }

    @Test("Keys of one command on both sides of a migration wait for its end, within the deadline")
    @LoopActor func divided() async throws {
        let cluster = try await ClusterFixture()
        let client = try await connectedClient(cluster.url)
        _ = try await client.command(["MSET", "{a}1", "x", "{a}2", "y"])
        let (source, target) = (cluster.admins[2], cluster.admins[0])
        let (from, to) = (try await cluster.id(2), try await cluster.id(0))
        _ = try await target.command(["CLUSTER", "SETSLOT", 15495, "IMPORTING", .text(from)])
        _ = try await source.command(["CLUSTER", "SETSLOT", 15495, "MIGRATING", .text(to)])
        let port = RedisArgument.integer(Int(cluster.servers[0].port))
        _ = try await source.command(["MIGRATE", "127.0.0.1", port, "{a}1", 0, 5_000])
        let start = LoopClock.now
        let error = await caught { try await client.command(["MGET", "{a}1", "{a}2"], timeout: .milliseconds(60)) }
        #expect(error?.condition == .tryAgain && error?.isTemporary == true)
        #expect(LoopClock.now.milliseconds(since: start) < 500)
        async let both = client.command(["MGET", "{a}1", "{a}2"])
        await eventually("it waits") { client.pendingCount == 1 }
        _ = try await source.command(["MIGRATE", "127.0.0.1", port, "{a}2", 0, 5_000])
        #expect(try await both.elements.map(\.text) == ["x", "y"])
        client.close()
        cluster.stop()
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
        try await eventually(within: .seconds(15), "the replica takes over") {
            try await cluster.admins[3].command(["ROLE"]).elements.first?.text == "master"
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
        for subscription in subscriptions { subscription.close() }
        client.close()
        cluster.stop()
    }

    @Test("A frozen node costs its own keys their deadline and the others nothing")
    @LoopActor func frozenNode() async throws {
        let cluster = try await ClusterFixture()
        var options = RedisOptions()
        options.breakerThreshold = 3
        let client = try await connectedClient(cluster.url, options)
        let keys: [RedisArgument] = ["{b}", "{c}", "{a}"]
        for key in keys { _ = try await client.command(["SET", key, 1], timeout: .seconds(5)) }
        cluster.servers[0].freeze()
        for _ in 0..<3 { #expect(await caught { try await client.command(["GET", "{b}"]) }?.code == .timeout) }
        let start = LoopClock.now
        for _ in 0..<100 { #expect(await caught { try await client.command(["GET", "{b}"]) }?.code == .unavailable) }
        #expect(LoopClock.now.milliseconds(since: start) < 1_000 && !client.isReady)
        // The others do not call the cluster down until the node's time-out has passed.
        #expect(try await client.command(["GET", "{c}"], timeout: .seconds(5)).text == "1")
        cluster.servers[0].thaw()
        #expect(await timeToServe(client, ["GET", "{b}"]) < 1_000)
        await eventually("all is well") { client.isReady }
        client.close()
        cluster.stop()
    }

    @Test("A cluster that calls itself down is turned away at once and served again as soon as it is up")
    @LoopActor func clusterDown() async throws {
        let cluster = try await ClusterFixture(appendOnly: true)
        var options = RedisOptions()
        options.breakerThreshold = 3
        let client = try await connectedClient(cluster.url, options)
        _ = try await client.command(["SET", "{b}", "kept"], timeout: .seconds(5))
        let server = cluster.servers[0]
        server.kill()
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
        try server.start()
        await eventually(within: .seconds(20), "the cluster is up") {
            var wellNodes = 0
            for admin in cluster.admins where await cluster.isWell(admin) { wellNodes += 1 }
            return wellNodes == 3
        }
        #expect(await timeToServe(client, ["GET", "{c}"]) < 1_000)
        #expect(try await client.command(["GET", "{b}"], timeout: .seconds(5)).text == "kept")
        client.close()
        cluster.stop()
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
