import Core
import EventLoop
import JSON
import Redis
import State
import TestSupport
import Testing

@testable import Admin

@Suite("Tests of accounts through the administration", .onLoop, .timeLimit(.minutes(1)))
struct ExaminationEndpointTests {
    /// A worker whose upstream says what `verdict` says of a credential, and takes credentials in capitals as well.
    @LoopActor private func worker(
        _ server: RedisServer,
        environment: [String] = [],
        verdict: @escaping @LoopActor (String) async throws(GatewayError) -> Examination
    ) async throws -> AdminWorker {
        let worker = try await AdminWorker(server) { parts in
            parts.pools = [
                AccountPool(
                    name: "beta",
                    environment: environment,
                    redis: parts.redis,
                    vault: try Vault(secret: "a secret of the tests"),
                    log: .silent
                )
            ]
            parts.examinations = parts.redis.map { ExaminationBook(redis: $0) }
            parts.examine = { account async throws(GatewayError) in try await verdict(account.credential) }
            parts.credentialForms = ["beta": CredentialForm { $0.hasPrefix("no") ? nil : $0.lowercased() }]
        }
        worker.parts.pools.forEach { $0.start() }
        await eventually("the pool is known") { worker.parts.pools.allSatisfy(\.isCurrent) }
        return worker
    }

    @LoopActor private func close(_ worker: AdminWorker, _ server: RedisServer) {
        worker.parts.pools.forEach { $0.close() }
        worker.close()
        server.stop()
    }

    @LoopActor private static func verdict(_ credential: String) async throws(GatewayError) -> Examination {
        switch credential {
        case "good":
            let quota = Examination.Quota(model: "m", remaining: 3, total: 20, wait: 60)
            return Examination(at: 1_800_000_100, works: true, plan: "free", quotas: [quota])
        case "bad": return Examination(at: 1_800_000_100, works: false, note: "The upstream refused it.")
        default: throw GatewayError(.upstreamTimeout, "The upstream took too long.", source: .upstream)
        }
    }

    @LoopActor private func add(_ credential: String, to worker: AdminWorker) async throws -> String {
        let body = #"{"credential":"\#(credential)"}"#
        return try #require(await worker.admin("POST", "pools/beta/accounts", body).text("id"))
    }

    @Test("What came of a test is told, remembered, and forgotten with the account")
    @LoopActor func one() async throws {
        let server = try RedisServer()
        let worker = try await worker(server, verdict: Self.verdict)
        let (good, bad) = (try await add("good", to: worker), try await add("bad", to: worker))
        #expect(await worker.admin("GET", "pools/beta/accounts/\(good)").value("test")?.isNull == true)
        let tested = await worker.admin("POST", "pools/beta/accounts/\(good)/test")
        #expect(tested.status == 200 && tested.value("test.works")?.bool == true && tested.text("test.plan") == "free")
        #expect(tested.int("test.quotas.0.remaining") == 3 && tested.int("test.quotas.0.wait") == 60)
        let refused = await worker.admin("POST", "pools/beta/accounts/\(bad)/test")
        #expect(refused.status == 200 && refused.value("test.works")?.bool == false)
        #expect(refused.text("test.note") == "The upstream refused it.")
        let list = await worker.admin("GET", "pools/beta/accounts")
        #expect(list.text("data.0.test.plan") == "free" && list.int("data.0.test.at") == 1_800_000_100)
        #expect(list.value("data.1.test.works")?.bool == false)
        #expect(await worker.admin("DELETE", "pools/beta/accounts/\(good)").status == 200)
        let again = try await add("good", to: worker)
        #expect(again == good)
        #expect(await worker.admin("GET", "pools/beta/accounts/\(good)").value("test")?.isNull == true)
        close(worker, server)
    }

    @Test("A test that says nothing of the account is an error, and what is not there is not tested")
    @LoopActor func failures() async throws {
        let server = try RedisServer()
        let worker = try await worker(server, verdict: Self.verdict)
        let slow = try await add("slow", to: worker)
        let failed = await worker.admin("POST", "pools/beta/accounts/\(slow)/test")
        #expect(failed.status == 504 && failed.text("error.code") == "upstream_timeout")
        #expect(await worker.admin("GET", "pools/beta/accounts/\(slow)").value("test")?.isNull == true)
        #expect(await worker.admin("POST", "pools/beta/accounts/nobody/test").status == 404)
        #expect(await worker.admin("POST", "pools/gamma/accounts/\(slow)/test").status == 404)
        #expect(await worker.admin("GET", "pools/beta/accounts/\(slow)/test").status == 405)
        #expect(await worker.admin("GET", "pools/beta/test-all").status == 404, "it was never tested")
        #expect(await worker.ask("POST", "pools/beta/test-all").status == 401)
        close(worker, server)
    }

    @Test("A whole pool is tested in the background, once at a time, and tells how far it has come")
    @LoopActor func all() async throws {
        let server = try RedisServer()
        let gate = TestGate()
        let worker = try await worker(server, environment: ["environment-good"]) {
            credential async throws(GatewayError) in
            await gate.wait()
            return try await Self.verdict(credential == "environment-good" ? "good" : credential)
        }
        for credential in ["good", "bad", "slow"] { _ = try await add(credential, to: worker) }
        let begun = await worker.admin("POST", "pools/beta/test-all")
        #expect(begun.status == 202 && begun.value("running")?.bool == true && begun.int("done") == 0)
        #expect(await worker.admin("POST", "pools/beta/test-all").status == 409)
        gate.open()
        var told = await worker.admin("GET", "pools/beta/test-all")
        while told.value("running")?.bool == true { told = await worker.admin("GET", "pools/beta/test-all") }
        let counts = ["total", "done", "working", "refused", "failed"].map { told.int($0) }
        #expect(counts == [4, 4, 2, 1, 1] && told.int("ended") == 1_800_000_000)
        let list = await worker.admin("GET", "pools/beta/accounts")
        let tests = (0..<4).map { list.value("data.\($0).test.works") }
        #expect(tests.compactMap { $0?.bool } == [true, true, false])
        #expect(tests.last??.isNull == true && list.text("data.3.test.note") == "The upstream took too long.")
        #expect(await worker.admin("POST", "pools/beta/test-all").status == 202, "the next one can begin")
        close(worker, server)
    }

    @Test("Pasted credentials are kept in their provider's form, so that nobody is added twice")
    @LoopActor func forms() async throws {
        let server = try RedisServer()
        let worker = try await worker(server, verdict: Self.verdict)
        let text = "GOOD----mine\ngood\n\nnothing\n[\"OTHER\", 3]\n"
        let pasted = await worker.ask("POST", "pools/beta/accounts", text, type: "text/plain", [AdminWorker.basic()])
        #expect(
            (0..<5).map { pasted.text("data.\($0).status") } == ["added", "refused", "refused", "added", "refused"]
        )
        #expect(["added", "duplicates", "empty", "invalid"].map { pasted.int($0) } == [2, 1, 1, 2])
        let array = await worker.admin("POST", "pools/beta/accounts", #"["third", {"token":"Third","note":"x"}]"#)
        #expect(array.status == 200 && array.int("added") == 1 && array.int("duplicates") == 1)
        let mixed = await worker.admin("POST", "pools/beta/accounts", #"{"accounts":["fourth----its note", ""]}"#)
        #expect(mixed.int("added") == 1 && mixed.text("data.1.param") == "accounts[1]")
        #expect(await worker.admin("POST", "pools/beta/accounts", #"{"credential":"nothing"}"#).status == 400)
        for body in ["[]", "[null]"] {
            #expect(await worker.admin("POST", "pools/beta/accounts", body).status == 400)
        }
        let id = try #require(mixed.text("data.0.id"))
        #expect(await worker.admin("GET", "pools/beta/accounts/\(id)").text("note") == "its note")
        let patched = await worker.admin("PATCH", "pools/beta/accounts/\(id)", #"{"credential":"nothing"}"#)
        #expect(patched.status == 400 && patched.text("error.param") == "credential")
        close(worker, server)
    }

    @Test("Several accounts are removed at once; each row tells whether it was there")
    @LoopActor func removal() async throws {
        let server = try RedisServer()
        let worker = try await worker(server, environment: ["environment"], verdict: Self.verdict)
        let good = try await add("good", to: worker)
        let own = AccountPool.id(of: "environment", pool: "beta")
        await eventually("the environment's account is registered") {
            await worker.admin("GET", "pools/beta/accounts/\(own)").status == 200
        }
        let body = #"{"ids":["\#(good)","nobody","\#(own)"]}"#
        let removed = await worker.admin("DELETE", "pools/beta/accounts", body)
        #expect(removed.status == 200)
        #expect((0..<3).map { removed.value("data.\($0).deleted")?.bool } == [true, false, false])
        #expect(removed.text("data.1.code") == "not_found" && removed.text("data.2.code") == "conflict")
        #expect(await worker.admin("GET", "pools/beta/accounts").value("data")?.count == 1)
        for body in ["{}", #"{"ids":[]}"#, #"{"ids":[1]}"#, #"{"ids":["a"],"x":1}"#] {
            #expect(await worker.admin("DELETE", "pools/beta/accounts", body).status == 400)
        }
        close(worker, server)
    }
}

/// Holds tests up until somebody opens it.
@LoopActor
private final class TestGate {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    nonisolated init() {}

    func wait() async {
        if !isOpen { await withCheckedContinuation { waiting.append($0) } }
    }

    func open() {
        isOpen = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }
}
