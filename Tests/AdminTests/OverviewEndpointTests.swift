import Core
import EventLoop
import JSON
import Redis
import State
import TestSupport
import Testing

@testable import Admin

@Suite("Usage, log, settings, workers and prices through the administration", .onLoop, .timeLimit(.minutes(1)))
struct OverviewEndpointTests {
    private static let now = 1_800_000_000

    @LoopActor private func worker(_ server: RedisServer) async throws -> AdminWorker {
        try await AdminWorker(server) { parts in
            let redis = try #require(parts.redis)
            parts.ledger = Ledger(redis: redis, log: .silent)
            parts.settings = Settings(
                redis: redis,
                defaults: ["retry_times": "5"],
                checks: ["model_routes": { $0.contains("bad") ? "It is bad." : nil }],
                log: .silent
            )
            let identity = try WorkerIdentity(host: "h", pid: 7, address: "a:1", version: "1", started: Self.now)
            parts.directory = WorkerDirectory(redis: redis, identity: identity) {
                WorkerStatus(openRequests: 2, openStreams: 1)
            }
            parts.prices = { try? Prices() }
        }
    }

    @LoopActor private func close(_ worker: AdminWorker, _ server: RedisServer) {
        worker.parts.directory?.close()
        worker.parts.settings?.close()
        worker.parts.ledger?.close()
        worker.close()
        server.stop()
    }

    private func entry(_ number: Int, status: Int, key: String, model: String, provider: String) -> LedgerEntry {
        LedgerEntry(
            requestID: "req-\(number)",
            time: Self.now - number * 1800,
            keyDigest: key,
            provider: provider,
            model: model,
            status: status,
            durationMS: 10,
            usage: TokenUsage(prompt: 100, completion: 10),
            cost: 1_500_000
        )
    }

    @Test("Usage is summed by what is asked for")
    @LoopActor func usage() async throws {
        let server = try RedisServer()
        let worker = try await worker(server)
        let ledger = try #require(worker.parts.ledger)
        for number in 0..<6 {
            ledger.record(
                entry(
                    number,
                    status: number == 5 ? 429 : 200,
                    key: number % 2 == 0 ? "k0" : "k1",
                    model: "m",
                    provider: number < 3 ? "p" : "q"
                )
            )
        }
        await ledger.drain()
        let byModel = await worker.admin("GET", "usage?from=\(Self.now - 86_400)&to=\(Self.now)")
        #expect(byModel.text("data.0.id") == "m" && byModel.int("data.0.requests") == 6)
        #expect(byModel.int("data.0.prompt_tokens") == 600 && byModel.value("data.0.cost_usd")?.raw.text == "0.009")
        let byKey = await worker.admin("GET", "usage?by=key&from=\(Self.now - 86_400)&to=\(Self.now)")
        #expect(byKey.text("data.1.id") == "k1" && byKey.int("data.1.requests") == 3 && byKey.int("data.1.errors") == 1)
        #expect(await worker.admin("GET", "usage?by=key&id=k0").int("data.0.requests") == 3, "a day up to now is usual")
        let byHour = await worker.admin("GET", "usage?by=hour&from=\(Self.now - 10_800)&to=\(Self.now)")
        let rows = byHour.value("data").map { Array($0.elements) } ?? []
        #expect(rows.compactMap { $0["requests"]?.int }.reduce(0, +) == 6 && rows.count >= 3)
        #expect(rows.allSatisfy { ($0["start"]?.int ?? 1) % 3600 == 0 })
        for (query, parameter) in [
            ("by=colour", "by"), ("from=x", "from"), ("from=5&to=1", "from"), ("each=week", "each"),
            ("from=0&to=\(Self.now)", "from"), ("hours=2", "hours"),
        ] {
            let answer = await worker.admin("GET", "usage?\(query)")
            #expect(answer.status == 400 && answer.text("error.param") == parameter, "\(query)")
        }
        close(worker, server)
    }

    @Test("The log is read backwards in pages and filtered")
    @LoopActor func log() async throws {
        let server = try RedisServer()
        let worker = try await worker(server)
        let ledger = try #require(worker.parts.ledger)
        for number in 0..<10 {
            let status = number < 5 ? 200 : 400 + number
            ledger.record(entry(number, status: status, key: "k\(number % 2)", model: "m\(number % 3)", provider: "p"))
        }
        await ledger.drain()
        var seen: [String] = []
        var before: String?
        repeat {
            let page = await worker.admin("GET", "logs?limit=4" + (before.map { "&before=\($0)" } ?? ""))
            seen += page.value("data").map { $0.elements.compactMap { $0["request_id"]?.string } } ?? []
            before = page.text("next")
        } while before != nil
        #expect(seen == (0..<10).reversed().map { "req-\($0)" })
        for (query, count) in [
            ("status=4xx", 5), ("status=407", 1), ("key=k1", 5), ("model=m0", 4), ("request_id=req-3", 1),
            ("provider=q", 0), ("key=k1&status=2xx", 2),
        ] {
            #expect(await worker.admin("GET", "logs?\(query)").value("data")?.count == count, "\(query)")
        }
        #expect(await worker.admin("GET", "logs?status=x").text("error.param") == "status")
        #expect(await worker.admin("GET", "logs?before=x").text("error.param") == "before")
        close(worker, server)
    }

    @Test("Settings are changed with their own types, checked, recorded and returned to their default")
    @LoopActor func settings() async throws {
        let server = try RedisServer()
        let worker = try await worker(server)
        let before = await worker.admin("GET", "settings/retry_times")
        #expect(before.int("value") == 5 && before.text("source") == "environment")
        let after = await worker.admin("PUT", "settings/retry_times", "{\"value\":7}")
        #expect(after.int("value") == 7 && after.int("default") == 5 && after.text("source") == "cluster")
        #expect(worker.parts.settings?.values[.retryTimes] == 7)
        #expect(await worker.admin("PUT", "settings/access_log", "{\"value\":true}").value("value")?.bool == true)
        let routes = "{\"a\":[\"echo/echo\"]}"
        let changed = await worker.admin("PUT", "settings/model_routes", "{\"value\":\(routes)}")
        #expect(changed.value("value")?.raw.text == routes)
        for (name, body, parameter) in [
            ("retry_times", "{\"value\":99}", "value"), ("retry_times", "{\"value\":\"x\"}", "value"),
            ("retry_times", "{}", "value"), ("retry_times", "{\"value\":null}", "value"),
            ("retry_times", "{\"value\":1,\"by\":\"x\"}", "by"), ("model_routes", "{\"value\":\"bad\"}", "value"),
        ] {
            let refused = await worker.admin("PUT", "settings/\(name)", body)
            #expect(refused.status == 400 && refused.text("error.param") == parameter, "\(body)")
        }
        for method in ["GET", "DELETE"] { #expect(await worker.admin(method, "settings/colour").status == 404) }
        let back = await worker.admin("DELETE", "settings/retry_times")
        #expect(back.int("value") == 5 && back.text("source") == "environment")
        let list = await worker.admin("GET", "settings")
        #expect(list.text("changes.0.name") == "retry_times" && list.text("changes.0.by") == "admin")
        #expect(list.value("data")?.count == SettingDefinition.known.count)
        close(worker, server)
    }

    @Test("Workers and prices are listed")
    @LoopActor func overview() async throws {
        let server = try RedisServer()
        let worker = try await worker(server)
        worker.parts.directory?.start()
        await eventually("the worker is entered") {
            await worker.admin("GET", "workers").value("data")?.count == 1
        }
        let workers = await worker.admin("GET", "workers")
        #expect(workers.int("data.0.pid") == 7 && workers.int("data.0.open_streams") == 1)
        #expect(workers.value("data.0.answers")?.bool == true)
        let prices = await worker.admin("GET", "prices")
        let table = try #require(prices.value("prices"))
        #expect(table.count > 10 && table.member(named: "openai/gpt-4o")?["input"]?.raw.text == "2.5")
        // What is shown can be given back and means the same.
        let written = try Prices(overriding: Array(("{\"prices\":" + table.raw.text + "}").utf8))
        let usage = TokenUsage(prompt: 1_000_000, completion: 1000, cached: 10, reasoning: 5)
        for model in ["gpt-4o", "gpt-4o-mini-2024-07-18"] {
            let cost = try Prices().cost(provider: "openai", model: model, usage: usage)
            #expect(written.cost(provider: "openai", model: model, usage: usage) == cost && cost != nil)
        }
        close(worker, server)
    }
}
