import Core
import Crypto
import EventLoop
import JSON
import Redis
import State
import TestSupport
import Testing

@testable import Admin

@Suite("Keys through the administration", .onLoop, .timeLimit(.minutes(1)))
struct KeyEndpointTests {
    private static let limits = """
        {"requests_per_minute": 60, "tokens_per_minute": null, "concurrent": 2,
         "budgets": [{"amount": 10.5, "unit": "usd", "window": "month"},
                     {"amount": 1000, "unit": "tokens", "window": "day"}]}
        """

    @LoopActor private func worker(_ server: RedisServer) async throws -> AdminWorker {
        try await AdminWorker(server) { parts in
            let redis = try #require(parts.redis)
            parts.limits = RateLimits(redis: redis, log: .silent, livingWorkers: { 1 })
        }
    }

    @Test("A key is made, found by the beginning of its digest, changed and removed; its text is shown once")
    @LoopActor func lifeCycle() async throws {
        let server = try RedisServer()
        let worker = try await worker(server)
        let made = await worker.admin(
            "POST",
            "keys",
            "{\"name\":\"ci\",\"owner\":\"ann\",\"models\":[\"openai/*\"],\"expires\":1800000100,\"limits\":\(Self.limits)}"
        )
        #expect(made.status == 201 && made.text("owner") == "ann" && made.int("expires") == 1_800_000_100)
        let text = try #require(made.text("key"))
        let digest = try #require(made.text("digest"))
        #expect(SHA256Digest(of: text).hex == digest && made.text("models.0") == "openai/*")
        #expect(made.int("limits.requests_per_minute") == 60 && made.value("limits.tokens_per_minute")?.isNull == true)
        #expect(made.value("limits.budgets.0.amount")?.raw.text == "10.5")

        for name in [digest, String(digest.prefix(8)), String(digest.prefix(8)).uppercased()] {
            let found = await worker.admin("GET", "keys/\(name)")
            #expect(found.status == 200 && found.text("name") == "ci" && !found.body.contains(text))
        }
        #expect(try await worker.parts.keyRing?.authenticate(digest)?.limits.budgets.first?.amount == 10_500_000_000)

        let changed = await worker.admin(
            "PATCH",
            "keys/\(digest)",
            "{\"name\":\"cd\",\"enabled\":false,\"expires\":null,\"limits\":{\"concurrent\":null}}"
        )
        #expect(changed.status == 200 && changed.text("name") == "cd" && changed.text("owner") == "ann")
        #expect(changed.value("enabled")?.bool == false && changed.value("expires")?.isNull == true)
        #expect(changed.int("limits.requests_per_minute") == 60, "what is not named stays")
        #expect(
            changed.value("limits.concurrent")?.isNull == true && changed.value("limits.budgets.1.amount")?.int == 1000
        )
        #expect(try await worker.parts.keyRing?.authenticate(digest) == nil)

        #expect(await worker.admin("DELETE", "keys/\(digest)").value("deleted")?.bool == true)
        for method in ["GET", "DELETE"] { #expect(await worker.admin(method, "keys/\(digest)").status == 404) }
        let lines = worker.lines.all.filter { $0.contains("admin change") }
        #expect(lines.count == 3 && lines[1].contains("\"method\":\"PATCH\"") && !lines.joined().contains(text))
        worker.close()
        server.stop()
    }

    @Test("Use and budgets are shown against their limits, and a budget begins again on demand")
    @LoopActor func usage() async throws {
        let server = try RedisServer()
        let worker = try await worker(server)
        let made = await worker.admin("POST", "keys", "{\"name\":\"a\",\"limits\":\(Self.limits)}")
        let digest = try #require(made.text("digest"))
        let limits = try #require(worker.parts.limits)
        let record = try #require(try await worker.parts.keyRing?.authenticate(digest))
        let charge = Charge(digest: digest, tokens: 100, cost: 2_000_000_000, isStream: true)
        let status = await withCheckedContinuation { continuation in
            limits.reserve(charge, record.limits) { continuation.resume(returning: $0) }
        }
        #expect((try? status.get()) != nil)
        let before = await worker.admin("GET", "keys/\(digest)/usage")
        #expect(before.int("requests_per_minute.used") == 1 && before.int("requests_per_minute.remaining") == 59)
        #expect(before.int("concurrent.used") == 1 && before.int("streams") == 1)
        #expect(before.int("budgets.0.reserved") == 2 && before.value("budgets.0.remaining")?.raw.text == "8.5")
        limits.settle(charge, tokens: 120, cost: 1_500_000_000)
        await eventually("the charge is settled") {
            await worker.admin("GET", "keys/\(digest)/usage").value("budgets.0.spent")?.raw.text == "1.5"
        }
        let after = await worker.admin("POST", "keys/\(digest)/budgets/0/reset")
        #expect(after.status == 200 && after.int("budgets.0.spent") == 0 && after.int("budgets.1.spent") == 120)
        #expect(await worker.admin("POST", "keys/\(digest)/budgets/2/reset").status == 404)
        #expect(await worker.admin("GET", "keys/\(digest)/budgets/0/reset").status == 405)
        worker.close()
        server.stop()
    }

    @Test("All keys are on exactly one page")
    @LoopActor func paging() async throws {
        let server = try RedisServer()
        let worker = try await worker(server)
        for number in 0..<7 { #expect(await worker.admin("POST", "keys", "{\"name\":\"k\(number)\"}").status == 201) }
        for limit in [1, 3, 7, 100] {
            var digests: [String] = []
            var after: String?
            repeat {
                let page = await worker.admin("GET", "keys?limit=\(limit)" + (after.map { "&after=\($0)" } ?? ""))
                let rows = page.value("data").map { Array($0.elements) } ?? []
                #expect(rows.count <= limit && page.value("has_more")?.bool == (page.text("next") != nil))
                digests += rows.compactMap { $0["digest"]?.string }
                after = page.text("next")
            } while after != nil
            #expect(digests.count == 7 && Set(digests).count == 7)
        }
        worker.close()
        server.stop()
    }

    @Test(
        "What is wrong is refused and named",
        arguments: [
            ("{}", "name", "missing_required_parameter"), ("{\"name\":1}", "name", "invalid_value"),
            ("{\"name\":\"a\",\"colour\":1}", "colour", "unsupported_parameter"),
            ("{\"name\":\"a\",\"name\":\"b\"}", "name", "invalid_value"),
            ("{\"name\":\"a\\u0007\"}", "name", "invalid_value"),
            ("{\"name\":\"a\",\"enabled\":true}", "enabled", "unsupported_parameter"),
            ("{\"name\":\"a\",\"expires\":\"soon\"}", "expires", "invalid_value"),
            ("{\"name\":\"a\",\"models\":\"x\"}", "models", "invalid_value"),
            ("{\"name\":\"a\",\"models\":[\"x\",2]}", "models[1]", "invalid_value"),
            ("{\"name\":\"a\",\"models\":[\"x,y\"]}", "models", "invalid_value"),
            ("{\"name\":\"a\",\"limits\":3}", "limits", "invalid_value"),
            ("{\"name\":\"a\",\"limits\":{\"rpm\":3}}", "limits.rpm", "unsupported_parameter"),
            ("{\"name\":\"a\",\"limits\":{\"concurrent\":0}}", "limits.concurrent", "invalid_value"),
            ("{\"name\":\"a\",\"limits\":{\"concurrent\":1.5}}", "limits.concurrent", "invalid_value"),
            ("{\"name\":\"a\",\"limits\":{\"budgets\":[{}]}}", "limits.budgets[0].unit", "missing_required_parameter"),
            (
                "{\"name\":\"a\",\"limits\":{\"budgets\":[{\"unit\":\"usd\",\"window\":\"week\",\"amount\":1}]}}",
                "limits.budgets[0].window", "invalid_value"
            ),
            (
                "{\"name\":\"a\",\"limits\":{\"budgets\":[{\"unit\":\"usd\",\"window\":\"day\",\"amount\":-1}]}}",
                "limits.budgets[0].amount", "invalid_value"
            ),
            (
                "{\"name\":\"a\",\"limits\":{\"budgets\":[{\"unit\":\"usd\",\"window\":\"day\",\"amount\":1e3}]}}",
                "limits.budgets[0].amount", "invalid_value"
            ),
            ("[]", nil, "invalid_value"), ("{", nil, "invalid_json"), ("", nil, "invalid_json"),
        ] as [(String, String?, String)]
    )
    @LoopActor func validation(_ body: String, _ parameter: String?, _ code: String) async throws {
        let server = try RedisServer()
        let worker = try await worker(server)
        let answer = await worker.admin("POST", "keys", body)
        #expect(answer.status == 400 && answer.text("error.param") == parameter && answer.text("error.code") == code)
        #expect(await worker.admin("GET", "keys").value("data")?.count == 0)
        worker.close()
        server.stop()
    }

    @Test("Bodies of other types, too long ones, strange queries and methods are refused")
    @LoopActor func envelope() async throws {
        let server = try RedisServer()
        let worker = try await worker(server)
        let basic = [AdminWorker.basic()]
        #expect(await worker.ask("POST", "keys", "{\"name\":\"a\"}", type: "text/plain", basic).status == 415)
        let long = "{\"name\":\"" + String(repeating: "a", count: 1 << 20) + "\"}"
        #expect(await worker.ask("POST", "keys", long, basic).status == 413)
        for (query, parameter) in [
            ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit"), ("page=1", "page"),
            ("after=-1", "after"),
            ("limit=1&limit=2", "limit"),
        ] {
            let answer = await worker.admin("GET", "keys?\(query)")
            #expect(answer.status == 400 && answer.text("error.param") == parameter, "\(query)")
        }
        let put = await worker.admin("PUT", "keys", "{}")
        #expect(put.status == 405 && put.header("Allow") == "GET, POST")
        #expect(await worker.admin("GET", "nothing").status == 404)
        #expect(await worker.admin("GET", "keys/zz").status == 404)
        #expect(await worker.admin("HEAD", "keys").body.isEmpty)
        for path in ["pools/x/accounts", "usage", "logs", "settings", "workers", "prices"] {
            #expect(await worker.admin("GET", path).status == 404, "this worker has no \(path)")
        }
        worker.close()
        server.stop()
    }

    @Test(
        "Money is exact",
        arguments: [
            ("0", 0), ("1", 1_000_000_000), ("10.5", 10_500_000_000), ("0.000000001", 1),
            ("9000000", 9_000_000_000_000_000),
            ("0.1", 100_000_000), ("", nil), (".5", nil), ("1.", nil), ("-1", nil), ("1e3", nil), ("0.0000000001", nil),
            ("١", nil), ("1.2.3", nil), ("99999999", nil),
        ] as [(String, Int?)]
    )
    func money(_ text: String, _ expected: Int?) {
        #expect(Money.nanoDollars(text) == expected)
        if let expected { #expect(Money.dollars(expected) == text) }
    }
}
