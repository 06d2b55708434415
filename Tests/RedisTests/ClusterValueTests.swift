import Core
import Testing

@testable import Redis

@Suite("Redis cluster values")
struct ClusterValueTests {
    @Test(
        "A key's slot is that of its hash tag",
        arguments: [
            ("123456789", 12_739), ("", 0), ("foo", 12_182), ("{foo}", 12_182), ("bar{foo}{x}", 12_182),
            ("foo{}", 5_542), ("a", 15_495), ("{a}:7", 15_495), ("b", 3_300), ("c", 7_365),
        ]
    )
    func slots(_ key: String, _ slot: Int) {
        #expect(HashSlot.of(.text(key)) == slot)
        #expect(HashSlot.of(.bytes(Array(key.utf8))) == slot)
    }

    @Test("Odd braces mean the whole key")
    func braces() {
        for key in ["foo{}{bar}", "}foo{", "foo{bar"] {
            #expect(HashSlot.of(.text(key)) == HashSlot.of(.text(key)) && HashSlot.of(.text(key)) < HashSlot.count)
        }
        #expect(HashSlot.of(.text("foo{{bar}}zap")) == HashSlot.of("{bar"))
        #expect(HashSlot.of(.integer(-12)) == HashSlot.of(.text("-12")))
    }

    @Test("The key of a command is where its command has it")
    func keys() {
        let script = RedisScript("s", source: [])
        let calls: [(RedisCall, String?)] = [
            (.command(["GET", "k"]), "k"), (.command(["hset", "k", "f", 1]), "k"), (.command(["PING"]), nil),
            (.command(["publish", "k", "x"]), nil), (.command([.text("Script"), "LOAD", "x"]), nil),
            (.command(["EVALSHA", "d", 1, "k", "x"]), "k"), (.command(["EVAL", "d", 0, "x"]), nil),
            (.command(["XREADGROUP", "GROUP", "g", "c", "COUNT", 1, "streams", "k", ">"]), "k"),
            (.command(["OBJECT", "ENCODING", "k"]), "k"), (.command(["XINFO", "STREAM", "k"]), "k"),
            (.script(script, keys: ["k", "l"], arguments: []), "k"), (.script(script, keys: [], arguments: [1]), nil),
        ]
        for (call, key) in calls {
            let slot = call.key.map { HashSlot.of($0) }
            #expect(slot == key.map { HashSlot.of(.text($0)) }, "\(call)")
        }
    }

    @Test("A map is read from what a node says, and what makes no sense is left out")
    func maps() throws {
        func node(_ host: RedisReply, _ port: Int) -> RedisReply { .array([host, .integer(port), .bulk([1])]) }
        let source = RedisAddress.Endpoint.tcp(host: "seed", port: 1)
        let reply = RedisReply.array([
            .array([.integer(0), .integer(99), node(.bulk(Array("a".utf8)), 7), node(.bulk(Array("b".utf8)), 8)]),
            .array([.integer(100), .integer(16_383), node(.null, 9)]),
            .array([.integer(5), .integer(16_384), node(.bulk(Array("x".utf8)), 9)]),
            .array([.integer(9), .integer(5), node(.bulk(Array("x".utf8)), 9)]),
            .array([.integer(9)]), .integer(3),
        ])
        let map = try #require(ClusterMap(slots: reply, from: source))
        #expect(map.spans.map(\.slots) == [0...99, 100...16_383])
        #expect(map.spans.map(\.master) == [.tcp(host: "a", port: 7), .tcp(host: "seed", port: 9)])
        #expect(map.members.count == 3)
        #expect(ClusterMap(slots: .array([]), from: source) == nil)
    }

    @Test("Redirections name a slot and a node")
    func redirections() {
        let source = RedisAddress.Endpoint.tcp(host: "own", port: 1)
        let found = ClusterRedirection("MOVED 3999 127.0.0.1:6381", from: source)
        #expect(found?.slot == 3_999 && found?.endpoint == .tcp(host: "127.0.0.1", port: 6_381))
        #expect(ClusterRedirection("ASK 1 ::1:6381", from: source)?.endpoint == .tcp(host: "::1", port: 6_381))
        #expect(ClusterRedirection("MOVED 1 :6381", from: source)?.endpoint == .tcp(host: "own", port: 6_381))
        for words in ["MOVED", "MOVED x a:1", "MOVED 16384 a:1", "MOVED 1 a", "MOVED 1 a:0"] {
            #expect(ClusterRedirection(words, from: source) == nil)
        }
    }

    @Test("Sentinels and nodes are read from URLs")
    func urls() throws {
        let sentinel = try #require(
            RedisAddress("redis+sentinel://me:p%2Fw@a:1,[::1]:2,c/my%20main/3?sentinel_password=s")
        )
        #expect(sentinel.topology == .sentinel(master: "my main"))
        #expect(
            sentinel.endpoints == [
                .tcp(host: "a", port: 1), .tcp(host: "::1", port: 2), .tcp(host: "c", port: 26_379),
            ]
        )
        #expect(sentinel.user == "me" && sentinel.password == "p/w" && sentinel.database == 3)
        #expect(sentinel.sentinelPassword == "s")
        #expect(sentinel.description == "redis+sentinel://a:1,[::1]:2,c:26379/my main/3")
        let cluster = try #require(RedisAddress("redis+cluster://:pw@a:1,b"))
        #expect(cluster.topology == .cluster && cluster.password == "pw")
        #expect(cluster.endpoints == [.tcp(host: "a", port: 1), .tcp(host: "b", port: 6_379)])
        #expect(cluster.description == "redis+cluster://a:1,b:6379")
        #expect(RedisAddress("redis+cluster://a/0")?.database == 0)
    }

    @Test(
        "Broken lists are refused",
        arguments: [
            "redis+sentinel://a:1", "redis+sentinel://a:1/", "redis+sentinel:///main", "redis+sentinel://a,,b/main",
            "redis+sentinel://a:x/main", "redis+sentinel://a/main/x", "redis+sentinel://u@a/main",
            "redis+cluster://", "redis+cluster://a,", "redis+cluster://a:0", "redis+cluster://a/1",
            "redis+cluster://a?db=2", "redis+other://a",
        ]
    )
    func brokenLists(_ url: String) {
        #expect(RedisAddress(url) == nil)
    }

    @Test("Errors tell whether to try later")
    func conditions() {
        let later = [
            "OOM command not allowed when used memory > 'maxmemory'.", "READONLY You can't write", "LOADING Redis is",
            "MASTERDOWN Link with MASTER is down", "BUSY Redis is busy", "CLUSTERDOWN Hash slot not served",
            "TRYAGAIN Multiple keys", "MISCONF Redis is configured", "NOREPLICAS Not enough good replicas",
            "ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -OOM command not allowed",
        ]
        #expect(later.allSatisfy { RedisError(reply: $0).isTemporary })
        #expect(RedisError(reply: later[9]).condition == .outOfMemory)
        let never = ["ERR unknown command", "WRONGTYPE Operation", "NOAUTH", "NOPERM", "CROSSSLOT Keys", "NOSCRIPT No"]
        #expect(never.allSatisfy { !RedisError(reply: $0).isTemporary && RedisError(reply: $0).condition == nil })
        let temporary = RedisError.Code.allCases.filter { RedisError($0, "").isTemporary }
        #expect(temporary == [.timeout, .unavailable, .overloaded, .connectionLost])
    }
}
