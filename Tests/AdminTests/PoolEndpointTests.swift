import Core
import EventLoop
import JSON
import Redis
import State
import TestSupport
import Testing

@testable import Admin

@Suite("Accounts through the administration", .onLoop, .timeLimit(.minutes(1)))
struct PoolEndpointTests {
    /// Workers with one key of their own and a pool to which accounts can be added.
    @LoopActor private func worker(_ server: RedisServer) async throws -> AdminWorker {
        let worker = try await AdminWorker(server) { parts in
            let vault = try Vault(secret: "a secret of the tests")
            parts.pools = [
                AccountPool(
                    name: "alpha",
                    environment: ["env-credential-0123456789"],
                    redis: parts.redis,
                    vault: vault,
                    log: .silent
                ),
                AccountPool(name: "beta", environment: [], redis: parts.redis, vault: vault, log: .silent),
            ]
        }
        worker.parts.pools.forEach { $0.start() }
        await eventually("the pools are known") { worker.parts.pools.allSatisfy(\.isCurrent) }
        return worker
    }

    @LoopActor private func close(_ worker: AdminWorker, _ server: RedisServer) {
        worker.parts.pools.forEach { $0.close() }
        worker.close()
        server.stop()
    }

    @Test("An account is added, seen by another worker, changed and removed; its credential never comes back")
    @LoopActor func lifeCycle() async throws {
        let server = try RedisServer()
        let worker = try await worker(server)
        let credential = "secret-credential-of-somebody"
        let added = await worker.admin(
            "POST",
            "pools/beta/accounts",
            "{\"credential\":\"\(credential)\",\"note\":\"first\",\"tags\":[\"eu\"],\"weight\":2,\"concurrency\":3}"
        )
        #expect(added.status == 201 && added.text("origin") == "stored" && added.text("state") == "ready")
        #expect(added.text("credential") == Account.mask(credential) && added.int("weight") == 2)
        let id = try #require(added.text("id"))
        let path = "pools/beta/accounts/\(id)"
        let again = await worker.admin("POST", "pools/beta/accounts", "{\"credential\":\"\(credential)\"}")
        #expect(again.status == 409)

        let there = try await self.worker(server)
        await eventually("the other worker can use it") { there.parts.pools[1].hasAccounts }
        let changed = await there.admin("PATCH", path, "{\"note\":\"\",\"concurrency\":null,\"enabled\":false}")
        #expect(changed.status == 200 && changed.text("note") == "" && changed.value("concurrency")?.isNull == true)
        #expect(changed.text("state") == "disabled" && changed.text("disabled_reason") == "operator")
        #expect(changed.int("weight") == 2 && changed.text("tags.0") == "eu")
        await eventually("nobody uses it any more") { !worker.parts.pools[1].hasAccounts }

        let answers = [
            added, again, changed, await worker.admin("GET", path), await worker.admin("GET", "pools/beta/accounts"),
        ]
        #expect(!answers.map(\.body).joined().contains(credential) && !worker.lines.all.joined().contains(credential))
        #expect(await worker.admin("DELETE", path).status == 200)
        #expect(await worker.admin("DELETE", path).status == 404)
        #expect(await worker.admin("GET", path).status == 404)
        #expect(await worker.admin("PATCH", path, "{\"note\":\"x\"}").status == 404)
        there.parts.pools.forEach { $0.close() }
        there.close()
        close(worker, server)
    }

    @Test("Pasted lines and lists are added one by one, each with its own fate")
    @LoopActor func several() async throws {
        let server = try RedisServer()
        let worker = try await worker(server)
        let text = "\r\ncredential-one ---- first note\n  \ncredential-two\ncredential-one\nbad\u{7}\n"
        let pasted = await worker.ask(
            "POST",
            "pools/beta/accounts",
            text,
            type: "text/plain; charset=utf-8",
            [AdminWorker.basic()]
        )
        #expect(pasted.status == 200)
        let statuses = (0..<4).map { pasted.text("data.\($0).status") ?? "" }
        #expect(statuses == ["added", "added", "refused", "refused"])
        #expect(pasted.text("data.2.code") == "conflict" && pasted.text("data.3.param") == "credential")
        let counts = ["added", "duplicates", "empty", "invalid"].map { pasted.int($0) }
        #expect(counts == [2, 1, 2, 1])
        let list = await worker.admin(
            "POST",
            "pools/beta/accounts",
            "{\"accounts\":[{\"credential\":\"credential-three\",\"weight\":5},{\"credential\":\"x\",\"weight\":0},{}, 7]}"
        )
        #expect((0..<4).map { list.text("data.\($0).status") ?? "" } == ["added", "refused", "refused", "refused"])
        #expect(
            list.text("data.1.param") == "accounts[1].weight" && list.text("data.2.param") == "accounts[2].credential"
        )
        let accounts = await worker.admin("GET", "pools/beta/accounts")
        #expect(accounts.value("data")?.count == 3 && accounts.text("data.0.note") == "first note")
        let pages = [
            await worker.admin("GET", "pools/beta/accounts?limit=2"),
            await worker.admin("GET", "pools/beta/accounts?limit=2&after=2"),
        ]
        #expect(pages[0].text("next") == "2" && pages[1].value("data")?.count == 1 && pages[1].text("next") == nil)
        for body in ["{\"accounts\":[],\"note\":\"x\"}", "{\"credential\":\"\"}", "{}"] {
            #expect(await worker.admin("POST", "pools/beta/accounts", body).status == 400)
        }
        close(worker, server)
    }

    @Test("Pools are summed up, cool-downs are listed with their reason and can be ended")
    @LoopActor func cooldowns() async throws {
        let server = try RedisServer()
        let worker = try await worker(server)
        let pool = worker.parts.pools[0]
        guard case .lease(let lease) = pool.choose(model: "m1", preferring: nil, excluding: []) else {
            Issue.record("there is an account")
            return
        }
        let outcome = Outcome.failure(.rateLimited, retryAfter: 600, requestID: "req-1", evidenceDigest: "e1")
        try await pool.reportAndWait(lease, outcome)
        // The pool's clock is the real one; what it calls cooling ends long before the fixed time of the tests.
        let clock = AdminEndpoints(parts: Self.realTime(worker.parts))
        let listed = try await Self.read(clock, .cooldowns)
        #expect(listed.contains("\"reason\":\"rate_limited\"") && listed.contains("\"model\":\"m1\""))
        #expect(listed.contains("\"request_id\":\"req-1\"") && listed.contains("\"evidence\":\"e1\""))
        let summary = try await Self.read(clock, .pools)
        #expect(summary.contains("\"name\":\"alpha\",\"accounts\":1,\"stored\":0,\"environment\":1,\"ready\":1"))
        #expect(summary.contains("\"cooling_models\":{\"m1\":1}"))
        let path = "pools/alpha/accounts/\(lease.account.id)/clear-cooldown"
        #expect(await worker.admin("POST", path, "{\"model\":\"m1\",\"all\":true}").status == 400)
        #expect(await worker.admin("POST", path).status == 200, "there is none of the account")
        #expect(try await Self.read(clock, .cooldowns).contains("m1"))
        #expect(await worker.admin("POST", path, "{\"all\":true}").status == 200)
        #expect(!(try await Self.read(clock, .cooldowns).contains("m1")))
        #expect(await worker.admin("POST", "pools/alpha/accounts/nobody/clear-cooldown").status == 404)
        #expect(await worker.admin("DELETE", "pools/alpha/accounts/\(lease.account.id)").status == 409)
        #expect(await worker.admin("GET", "pools/gamma/accounts").status == 404)
        close(worker, server)
    }

    @LoopActor private static func realTime(_ parts: AdminParts) -> AdminParts {
        var parts = parts
        parts.now = { WallClock.seconds }
        return parts
    }

    @LoopActor private static func read(_ endpoints: AdminEndpoints, _ route: AdminRoute) async throws -> String {
        let request = try AdminRequest.get("x")
        let caller = AdminAuthenticator.Caller(user: "admin", session: nil)
        return try await endpoints.answer(route, request, caller).body.text
    }
}
