import Core
import Testing

@testable import Redis

@Suite("Redis values")
struct RedisValueTests {
    @Test(
        "URLs are read as documented",
        arguments: [
            ("redis://localhost", RedisAddress(.tcp(host: "localhost", port: 6379))),
            (
                "redis://:s%40cret@10.0.0.1:7000/3",
                RedisAddress(.tcp(host: "10.0.0.1", port: 7000), password: "s@cret", database: 3)
            ),
            ("redis://me:a:b@c@host/", RedisAddress(.tcp(host: "host", port: 6379), user: "me", password: "a:b@c")),
            ("redis://[::1]:7000/1", RedisAddress(.tcp(host: "::1", port: 7000), database: 1)),
            ("redis://[::1]", RedisAddress(.tcp(host: "::1", port: 6379))),
            ("redis://host?db=4", RedisAddress(.tcp(host: "host", port: 6379), database: 4)),
            ("unix:///run/re%20dis.sock", RedisAddress(.unix(path: "/run/re dis.sock"))),
            ("unix://:pw@/run/r.sock?db=2", RedisAddress(.unix(path: "/run/r.sock"), password: "pw", database: 2)),
        ]
    )
    func urls(_ url: String, _ expected: RedisAddress) {
        #expect(RedisAddress(url) == expected)
    }

    @Test(
        "Broken URLs are refused",
        arguments: [
            "", "localhost:6379", "http://host", "redis://host:port", "redis://host:0", "redis://host:70000",
            "redis://host/x", "redis://host/-1", "redis://user@host", "redis://:%zz@host", "unix://relative", "unix://",
            "unix:///a?db=x",
        ]
    )
    func brokenURLs(_ url: String) {
        #expect(RedisAddress(url) == nil)
    }

    @Test("A description of an address never shows its password")
    func descriptions() {
        #expect(RedisAddress("redis://me:hidden@[::1]:7/3")?.description == "redis://[::1]:7/3")
        #expect(RedisAddress("unix://:hidden@/a/b?db=1")?.description == "unix:///a/b?db=1")
    }

    @Test("Commands are arrays of bulk strings with exact lengths")
    func encoding() {
        var buffer = ByteBuffer()
        buffer.append(command: ["SET", .text("ключ"), .bytes([0, 13, 10, 255]), .integer(-1_000), 0, .integer(.min)])
        var expected = Array("*6\r\n$3\r\nSET\r\n$8\r\nключ\r\n$4\r\n".utf8)
        expected += [0, 13, 10, 255]
        expected += Array("\r\n$5\r\n-1000\r\n$1\r\n0\r\n$20\r\n-9223372036854775808\r\n".utf8)
        #expect(buffer.take() == expected)
    }

    @Test("Replies give what they hold and nothing else")
    func accessors() {
        let hash = RedisReply.array([.bulk([97]), .bulk([49]), .bulk([98]), .null, .bulk([99])])
        #expect(hash.fields == ["a": "1"])
        #expect(RedisReply.bulk(Array("-7".utf8)).int == -7)
        #expect(RedisReply.integer(7).text == "7")
        #expect(RedisReply.null.isNull && RedisReply.null.text == nil && RedisReply.null.elements.isEmpty)
        #expect(RedisReply.array([]).fields.isEmpty)
    }

    @Test("An error reply is known by its first word")
    func errorPrefixes() {
        #expect(RedisError(reply: "NOSCRIPT No matching script").prefix == "NOSCRIPT")
        #expect(RedisError(.timeout, "NOSCRIPT").prefix == nil)
    }

    @Test("A ring keeps its order while it wraps and grows")
    func ring() {
        var ring = RingQueue<Int>(minimumCapacity: 4)
        var next = 0
        var expected = 0
        for round in 1...50 {
            for _ in 0..<round {
                ring.append(next)
                next += 1
            }
            for _ in 0..<(round - 1) {
                let popped = ring.popFirst()
                #expect(popped == expected)
                expected += 1
            }
        }
        #expect(ring.count == 50)
        ring.forEach { $0 += 1 }
        #expect(ring.first == expected + 1)
    }

    @Test("Waits are spread between nothing and a limit that doubles")
    func backoff() {
        var backoff = Backoff(from: .milliseconds(50), to: .seconds(2))
        var highest = Highest()
        let spans = (0..<10).map { _ in backoff.next(using: &highest).milliseconds }
        #expect(spans == [50, 100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000, 2_000])
        backoff.reset()
        var random = SystemRandomNumberGenerator()
        #expect((0...50).contains(backoff.next(using: &random).milliseconds))
    }

    @Test("A breaker opens after failures in a row and closes after a probe only")
    func breaker() {
        var breaker = CircuitBreaker(threshold: 3)
        var openings = [breaker.failed(), breaker.failed()]
        breaker.succeeded()
        openings += [breaker.failed(), breaker.failed()]
        #expect(openings == [false, false, false, false] && !breaker.isOpen)
        openings = [breaker.failed(), breaker.failed()]
        #expect(openings == [true, false], "an open breaker opens only once")
        breaker.succeeded()
        #expect(breaker.isOpen)
        let closings = [breaker.probeSucceeded(), breaker.probeSucceeded()]
        #expect(closings == [true, false] && !breaker.isOpen)
    }

    /// Always draws the highest number.
    private struct Highest: RandomNumberGenerator {
        mutating func next() -> UInt64 { .max }
    }
}
