import Core
import EventLoop
import Redis
import State
import TestSupport
import Testing

@testable import Admin

@Suite("Lock-out", .onLoop, .timeLimit(.minutes(1)))
struct LockOutTests {
    @Test("After five failures from an address not even the right password is heard there, on any worker")
    @LoopActor func address() async throws {
        let server = try RedisServer()
        let workers = [try await AdminWorker(server), try await AdminWorker(server)]
        let here = AdminWorker.from("192.0.2.7")
        for number in 0..<5 {
            let answer = await workers[number % 2].ask("POST", "session", AdminWorker.logIn("guess\(number)"), [here])
            #expect(answer.status == 401)
        }
        for worker in workers {
            let right = await worker.ask("POST", "session", AdminWorker.logIn(), [here])
            #expect(right.status == 429 && right.text("error.code") == "rate_limit_exceeded")
            #expect(right.header("Retry-After").flatMap { Int($0) }.map { (25...30).contains($0) } == true)
            #expect(await worker.ask("GET", "session", nil, [here, AdminWorker.basic()]).status == 429)
        }
        #expect(
            await workers[0].ask("POST", "session", AdminWorker.logIn(), [AdminWorker.from("192.0.2.8")]).status == 200
        )
        let lines = workers[0].lines.all.filter { $0.contains("admin log-in failed") }
        #expect(lines.count == 5 && lines[0].contains("\"client\":\"192.0.2.7\""))
        #expect(!workers[0].lines.all.joined().contains("guess"))
        for key in try await workers[0].redis.command(["KEYS", "*"]).elements.compactMap(\.text) {
            #expect(try await workers[0].redis.command(["PTTL", .text(key)]).int.map { $0 > 0 } == true, "\(key)")
        }
        workers.forEach { $0.close() }
        server.stop()
    }

    @Test("Guesses made at the same time do not pass the limit together")
    @LoopActor func race() async throws {
        let server = try RedisServer()
        let workers = [try await AdminWorker(server), try await AdminWorker(server), try await AdminWorker(server)]
        var statuses: [Int: Int] = [:]
        let asked = (0..<30).map { number in
            Task { @LoopActor in
                let headers = [AdminWorker.from("2001:db8::\(number)")]
                return await workers[number % 3].ask("POST", "session", AdminWorker.logIn("no"), headers).status
            }
        }
        for task in asked { statuses[await task.value, default: 0] += 1 }
        #expect(statuses == [401: 5, 429: 25], "one /64, whatever the rest of the address")
        workers.forEach { $0.close() }
        server.stop()
    }

    @Test("Twenty failures for a name are enough, wherever they come from")
    @LoopActor func name() async throws {
        let server = try RedisServer()
        let worker = try await AdminWorker(server)
        for number in 0..<20 {
            let headers = [AdminWorker.from("192.0.2.\(number)")]
            #expect(await worker.ask("POST", "session", AdminWorker.logIn("no"), headers).status == 401)
        }
        let fresh = [AdminWorker.from("192.0.2.99")]
        #expect(await worker.ask("POST", "session", AdminWorker.logIn(), fresh).status == 429)
        #expect(await worker.ask("POST", "session", AdminWorker.logIn("no", user: "other"), fresh).status == 401)
        worker.close()
        server.stop()
    }

    @Test("Delays double, end by themselves, and a success clears the address")
    @LoopActor func delays() async throws {
        let server = try RedisServer()
        var options = LoginLimits.Options()
        options.shortestDelay = .milliseconds(150)
        options.perAddress = 2
        let redis = RedisClient(address: try #require(RedisAddress(server.unixURL)), log: .silent)
        redis.start()
        await eventually("connected") { redis.isReady }
        let limits = LoginLimits(redis: redis, options: options)
        var admitted = 0
        // Tried without a pause: what is let through must be spaced by 150, 300 ms …
        try await eventually("four tries have been heard") {
            do {
                _ = try await limits.begin(address: "a", name: "n")
                admitted += 1
            } catch let error as GatewayError {
                guard error.code == .rateLimitExceeded else { throw error }
            }
            return admitted == 4
        }
        // By Redis' clock: on a busy machine the worker may hear of one try late and of the next at once.
        let failures: [RedisArgument] = ["ZRANGE", "millrace:{admin}:failures:address:a", 0, -1, "WITHSCORES"]
        let reply = try await redis.command(failures, timeout: .seconds(5)).elements
        let times = stride(from: 1, to: reply.count, by: 2).compactMap { reply[$0].int }
        #expect(times.count == 4 && times[2] - times[1] >= 150 && times[3] - times[2] >= 300)
        try await eventually("the fifth is heard") {
            do {
                let attempt = try await limits.begin(address: "a", name: "n")
                await limits.succeeded(attempt)
                return true
            } catch let error as GatewayError {
                #expect(error.code == .rateLimitExceeded)
                return false
            }
        }
        for _ in 0..<2 { _ = try await limits.begin(address: "a", name: "n") }
        #expect(try await redis.command(["ZCARD", "millrace:{admin}:failures:address:a"]).int == 2)
        redis.close()
        server.stop()
    }

    @Test(
        "Failures are counted by what the edge saw",
        arguments: [
            ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:db8::1", "20010db800000000/64"),
            ("2001:db8:0:0:ffff::2", "20010db800000000/64"), ("2001:db8:0:1::1", "20010db800000001/64"),
            ("", "direct"), ("192.0.2.1, 192.0.2.2", "direct"), ("unknown", "direct"), ("192.0.2.999", "direct"),
        ]
    )
    func buckets(_ text: String, _ expected: String) {
        #expect(ClientAddress.bucket(text) == expected)
    }
}
