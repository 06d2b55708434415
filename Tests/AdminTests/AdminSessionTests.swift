import Core
import EventLoop
import Redis
import State
import TestSupport
import Testing

@testable import Admin

@Suite("Log-ins and sessions", .onLoop, .timeLimit(.minutes(1)))
struct AdminSessionTests {
    @Test("A session begun on one worker serves on another until it is ended there")
    @LoopActor func acrossWorkers() async throws {
        let server = try RedisServer()
        let here = try await AdminWorker(server)
        let there = try await AdminWorker(server)
        let login = await here.ask("POST", "session", AdminWorker.logIn())
        #expect(login.status == 200 && login.text("user") == "admin" && login.text("method") == "session")
        let attributes = try #require(login.header("Set-Cookie"))
        #expect(attributes.contains("; Path=/admin; HttpOnly; SameSite=Strict; Max-Age=43200"))
        #expect(!attributes.contains("Secure") && login.header("Cache-Control") == "no-store")
        let cookie = try #require(login.cookie)
        let csrf = try #require(login.text("csrf_token"))
        let who = await there.ask("GET", "session", nil, [cookie])
        #expect(who.status == 200 && who.text("csrf_token") == csrf)
        #expect(await there.ask("GET", "keys", nil, ["Cookie: a=b; x", cookie]).status == 200)

        let names = try await here.redis.command(["KEYS", "*"]).elements.compactMap(\.text)
        #expect(names.count == 1 && names[0].hasPrefix("millrace:{admin}:session:"))
        #expect(!cookie.contains(String(names[0].suffix(64))), "only a digest is stored")
        #expect(
            try await here.redis.command(["TTL", .text(names[0])]).int.map { (43_190...43_200).contains($0) } == true
        )

        #expect(await there.ask("DELETE", "session", nil, [cookie]).status == 403, "no CSRF token")
        let end = await there.ask("DELETE", "session", nil, [cookie, "X-CSRF-Token: \(csrf)"])
        #expect(end.status == 200 && end.header("Set-Cookie")?.contains("Max-Age=0") == true)
        #expect(await here.ask("GET", "session", nil, [cookie]).status == 401)
        #expect(try await here.redis.command(["DBSIZE"]).int == 0)
        here.close()
        there.close()
        server.stop()
    }

    @Test("What changes something needs the session's own CSRF token")
    @LoopActor func csrf() async throws {
        let server = try RedisServer()
        let worker = try await AdminWorker(server)
        let one = await worker.ask("POST", "session", AdminWorker.logIn())
        let other = await worker.ask("POST", "session", AdminWorker.logIn())
        let cookie = try #require(one.cookie)
        for header in ["X-CSRF-Token: ", "X-CSRF-Token: \(try #require(other.text("csrf_token")))", "X-Other: 1"] {
            let refused = await worker.ask("POST", "keys", "{\"name\":\"a\"}", [cookie, header])
            #expect(refused.status == 403 && refused.text("error.param") == "X-CSRF-Token")
        }
        let mine = "X-CSRF-Token: \(try #require(one.text("csrf_token")))"
        #expect(await worker.ask("POST", "keys", "{\"name\":\"a\"}", [cookie, mine]).status == 201)
        let foreign = await worker.ask("POST", "keys", "{\"name\":\"b\"}", [cookie, mine, "Origin: https://evil.test"])
        #expect(foreign.status == 403 && foreign.text("error.param") == "Origin")
        let own = await worker.ask("POST", "keys", "{\"name\":\"b\"}", [cookie, mine, "Origin: https://Millrace.test"])
        #expect(own.status == 201)
        worker.close()
        server.stop()
    }

    @Test("A session ends with the password it was begun with, and cookies behind TLS are for TLS only")
    @LoopActor func passwordChange() async throws {
        let server = try RedisServer()
        let before = try await AdminWorker(server)
        let login = await before.ask("POST", "session", AdminWorker.logIn(), ["X-Forwarded-Proto: https"])
        #expect(login.header("Set-Cookie")?.hasSuffix("; Secure") == true)
        let cookie = try #require(login.cookie)
        let after = try await AdminWorker(server) { $0.password = "another one" }
        #expect(await after.ask("GET", "session", nil, [cookie]).status == 401)
        #expect(await before.ask("GET", "session", nil, [cookie]).status == 200)
        before.close()
        after.close()
        server.stop()
    }

    @Test("A session does not live longer than it may, however often it is used")
    @LoopActor func longestTime() async throws {
        let server = try RedisServer()
        let worker = try await AdminWorker(server)
        let login = await worker.ask("POST", "session", AdminWorker.logIn())
        let cookie = try #require(login.cookie)
        let name = try #require(try await worker.redis.command(["KEYS", "*"]).elements.first?.text)
        let started = try #require(try await worker.redis.command(["HGET", .text(name), "started"]).int)
        let week = 7 * 86_400
        _ = try await worker.redis.command(["HSET", .text(name), "started", .integer(started - week + 1000)])
        #expect(await worker.ask("GET", "session", nil, [cookie]).status == 200)
        #expect(try await worker.redis.command(["TTL", .text(name)]).int.map { (900...1000).contains($0) } == true)
        _ = try await worker.redis.command(["HSET", .text(name), "started", .integer(started - week - 1)])
        #expect(await worker.ask("GET", "session", nil, [cookie]).status == 401)
        #expect(try await worker.redis.command(["DBSIZE"]).int == 0)
        worker.close()
        server.stop()
    }

    @Test("Basic credentials serve each request and are derived once a minute only")
    @LoopActor func basic() async throws {
        let server = try RedisServer()
        let worker = try await AdminWorker(server)
        #expect(await worker.admin("GET", "session").text("method") == "basic")
        let commands = worker.redis.statistics.commands
        for _ in 0..<5 { #expect(await worker.admin("GET", "session").status == 200) }
        #expect(worker.redis.statistics.commands == commands, "neither Redis nor scrypt is asked again")
        // A wrong password from there ends that, whoever sent it.
        #expect(await worker.ask("GET", "session", nil, [AdminWorker.basic("wrong")]).status == 401)
        let next = worker.redis.statistics.commands
        #expect(await worker.admin("GET", "session").status == 200)
        #expect(worker.redis.statistics.commands > next)
        #expect(await worker.admin("DELETE", "session").status == 400, "there is no session to end")
        worker.close()
        server.stop()
    }

    @Test(
        "Nothing but the administrator's log-in opens the door",
        arguments: [
            [], ["Authorization: Bearer correct horse"], ["Authorization: Bearer sk-master"],
            ["X-API-Key: correct horse"],
            ["Authorization: Basic !!!"], ["Authorization: Basic"], ["Cookie: millrace_session="],
            ["Cookie: millrace_session=0123456789012345678901234567890123456789012"],
            [AdminWorker.basic("correct horse", user: "Admin")], [AdminWorker.basic("")],
            [AdminWorker.basic("correct horse\n")], [AdminWorker.basic(String(repeating: "x", count: 5000))],
        ]
    )
    @LoopActor func refusals(_ headers: [String]) async throws {
        let server = try RedisServer()
        let worker = try await AdminWorker(server)
        for path in ["session", "keys", "nothing/here"] {
            let answer = await worker.ask("GET", path, nil, headers)
            #expect(answer.status == 401 && answer.text("error.code") == "invalid_credentials")
            #expect(answer.text("error.request_id") == "r-1" && answer.header("X-Request-ID") == "r-1")
            #expect(answer.header("WWW-Authenticate")?.hasPrefix("Basic") == true)
        }
        #expect(
            await worker.ask("GET", "keys", nil, headers + ["Sec-Fetch-Mode: cors"]).header("WWW-Authenticate") == nil
        )
        #expect(worker.statuses == [401, 401, 401, 401])
        worker.close()
        server.stop()
    }

    @Test("Without a password, or without Redis, there is no administration")
    @LoopActor func absent() async throws {
        let server = try RedisServer()
        let worker = try await AdminWorker(server) { $0.password = nil }
        for answer in [
            await worker.admin("GET", "keys"), await worker.ask("POST", "session", AdminWorker.logIn()),
            await worker.ask("GET", "session"),
        ] {
            #expect(answer.status == 404 && answer.text("error.message")?.contains("ADMIN_PASSWORD") == true)
        }
        worker.close()
        server.stop()
    }

    @Test("While Redis is away the administration says so")
    @LoopActor func outage() async throws {
        let server = try RedisServer()
        let worker = try await AdminWorker(server)
        let login = await worker.ask("POST", "session", AdminWorker.logIn())
        let cookie = try #require(login.cookie)
        server.kill()
        await eventually("the loss is noticed") { !worker.redis.isReady }
        for answer in [
            await worker.ask("GET", "session", nil, [cookie]), await worker.ask("POST", "session", AdminWorker.logIn()),
        ] {
            #expect(answer.status == 503 && answer.header("Retry-After") == "1")
        }
        worker.close()
        server.stop()
    }
}
