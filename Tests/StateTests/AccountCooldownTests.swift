import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

/// What follows from failures, for the script in Redis with a clock moved by hand.
@Suite("Account cool-downs", .onLoop, .timeLimit(.minutes(1)))
struct AccountCooldownTests {
    @LoopActor
    private final class Lab {
        let server: RedisServer
        let clock = RedisTime()
        let worker: PoolWorker
        var ids: [String] = []
        var pool: AccountPool { worker.pool }
        private var requests = 0

        init(accounts: Int) async throws {
            server = try RedisServer()
            worker = try await PoolWorker(server, clock: clock) { $0.use = .scripted }
            for number in 0..<accounts {
                ids.append(try await worker.pool.add(credential: "credential \(number)").id)
            }
        }

        func advance(_ seconds: Int) async throws { try await clock.advance(seconds * 1000, worker.redis) }

        /// A request of its own fails on the account.
        func fail(_ id: String, _ reason: FailureClass, retryAfter: Int? = nil, model: String = "m") async throws {
            requests += 1
            let lease = try await pool.lease(model: model, preferring: id)
            #expect(lease.account.id == id)
            let outcome = Outcome.failure(
                reason,
                retryAfter: retryAfter,
                requestID: "own \(requests)",
                requestDigest: "body \(requests)",
                evidenceDigest: "evidence"
            )
            try await pool.reportAndWait(lease, outcome)
        }

        /// In how many seconds the account can be leased again; zero when it can now.
        func rest(_ id: String, _ model: String = "m") async throws -> Int {
            let others = Set(ids).subtracting([id])
            do {
                let lease = try await pool.lease(model: model, preferring: id, excluding: others)
                try await pool.reportAndWait(lease, .abandoned)
                return 0
            } catch {
                return error.retryAfter ?? -1
            }
        }

        func close() {
            worker.close()
            server.stop()
        }
    }

    @Test("What is learnt of a limit after it was reported lengthens the rest, and makes nothing else of it")
    @LoopActor func amended() async throws {
        let lab = try await Lab(accounts: 1)
        let id = lab.ids[0]
        let lease = try await lab.pool.lease(model: "m", preferring: id)
        try await lab.pool.reportAndWait(lease, .failure(.rateLimited, requestID: "r", requestDigest: "b"))
        #expect(try await lab.rest(id) == 20)
        lab.pool.amend(lease, .failure(.rateLimited, retryAfter: 300, requestID: "r", requestDigest: "b"))
        // Reports are sent in order, so this one comes after it.
        #expect(try await lab.rest(id) == 300)
        lab.pool.amend(lease, .failure(.rateLimited, retryAfter: 5, requestID: "r", requestDigest: "b"))
        #expect(try await lab.rest(id) == 300)
        #expect(try await lab.pool.account(id)?.cooldowns.first?.repeats == 1)
        #expect(lab.pool.statistics.inFlight == 0)
        lab.close()
    }

    @Test("A rate limit rests this model on this account, as long as the upstream says or longer each time")
    @LoopActor func rateLimits() async throws {
        let lab = try await Lab(accounts: 2)
        let id = lab.ids[0]
        try await lab.fail(id, .rateLimited, retryAfter: 7)
        #expect(try await lab.rest(id) == 7)
        #expect(try await lab.rest(id, "other") == 0)
        #expect(try await lab.rest(lab.ids[1]) == 0)
        let error = await caught {
            try await lab.pool.lease(model: "m", preferring: id, excluding: [lab.ids[1]])
        }
        #expect(error?.code == .rateLimitExceeded && error?.status == 429)
        let cooldown = try #require(try await lab.pool.account(id)?.cooldowns.first)
        #expect(cooldown.scope == .model("m") && cooldown.reason == .rateLimited && cooldown.repeats == 1)
        #expect(cooldown.requestID == "own 1" && cooldown.requestDigest == "body 1")
        #expect(cooldown.evidenceDigest == "evidence" && cooldown.until == lab.clock.now + 7000)
        try await lab.advance(7)
        #expect(try await lab.rest(id) == 0)
        for span in [40, 80, 160, 320, 640, 1280, 2560, 3600, 3600] {
            try await lab.fail(id, .rateLimited)
            #expect(try await lab.rest(id) == span)
            try await lab.advance(span)
        }
        try await lab.fail(id, .rateLimited, retryAfter: 1_000_000)
        #expect(try await lab.rest(id) == 3600)
        // Nobody failed for as long as the last rest was: it begins anew.
        try await lab.advance(7200)
        try await lab.fail(id, .rateLimited)
        #expect(try await lab.rest(id) == 20)
        lab.close()
    }

    @Test("What was under way when the rest began is the same trouble and makes nothing grow")
    @LoopActor func sameTrouble() async throws {
        let lab = try await Lab(accounts: 1)
        let id = lab.ids[0]
        var leases: [Lease] = []
        for _ in 0..<6 { leases.append(try await lab.pool.lease(model: "m")) }
        for (number, lease) in leases[..<4].enumerated() {
            try await lab.pool.reportAndWait(lease, .limited("r\(number)"))
            #expect(try await lab.rest(id) == 20)
        }
        try await lab.pool.reportAndWait(leases[4], .limited("r4", retryAfter: 50))
        #expect(try await lab.rest(id) == 50)
        // Nor does its success end the rest.
        try await lab.pool.reportAndWait(leases[5], .success)
        #expect(try await lab.rest(id) == 50)
        let cooldown = try #require(try await lab.pool.account(id)?.cooldowns.first)
        #expect(cooldown.repeats == 1 && !cooldown.needsProbe)
        #expect(lab.pool.statistics.cooldownsStarted == [.rateLimited: 1])
        lab.close()
    }

    @Test("Spent quota rests the account, a forbidden model only itself")
    @LoopActor func quotaAndModels() async throws {
        let lab = try await Lab(accounts: 2)
        try await lab.fail(lab.ids[0], .quotaExhausted, retryAfter: 5)
        #expect(try await lab.rest(lab.ids[0]) == 3600)
        #expect(try await lab.rest(lab.ids[0], "other") == 3600)
        try await lab.fail(lab.ids[1], .modelForbidden)
        #expect(try await lab.rest(lab.ids[1]) == 600)
        #expect(try await lab.rest(lab.ids[1], "other") == 0)
        let error = await caught { try await lab.pool.lease(model: "m") }
        #expect(error?.code == .upstreamOverloaded && error?.retryAfter == 600)
        #expect(try await lab.pool.clearCooldown(lab.ids[0]))
        #expect(try await lab.rest(lab.ids[0]) == 0)
        #expect(try await lab.pool.clearCooldown(lab.ids[1], model: "m"))
        #expect(try await lab.rest(lab.ids[1]) == 0)
        #expect(try await lab.pool.clearCooldown(lab.ids[1], model: "m") == false)
        lab.close()
    }

    @Test("One refusal of the credentials rests the account, one more of another request disables it")
    @LoopActor func refusals() async throws {
        let lab = try await Lab(accounts: 3)
        let id = lab.ids[0]
        let leases = [
            try await lab.pool.lease(model: "m", preferring: id), try await lab.pool.lease(model: "m", preferring: id),
        ]
        try await lab.pool.reportAndWait(leases[0], .failed(.credentialsRefused, "a", body: "x"))
        #expect(try await lab.rest(id) == 60)
        try await lab.pool.reportAndWait(leases[1], .failed(.credentialsRefused, "b", body: "x"))
        #expect(try await lab.pool.account(id)?.isEnabled == true, "the same body is no confirmation")
        try await lab.advance(60)
        _ = try await lab.pool.serve("m", .failed(.credentialsRefused, "c", body: "y"), preferring: id)
        let account = try #require(try await lab.pool.account(id))
        #expect(!account.isEnabled && account.disabledReason == "credentials_refused")
        #expect(try await lab.rest(id) != 0)
        #expect(lab.pool.statistics.accountsDisabled == 1)
        // A new credential is a new start.
        #expect(try await lab.pool.update(id, Account.Changes(credential: "fresh"))?.isEnabled == true)
        #expect(try await lab.rest(id) == 0)
        // A success in between says that the first one was a hiccup.
        try await lab.fail(lab.ids[1], .credentialsRefused)
        try await lab.advance(60)
        _ = try await lab.pool.serve(preferring: lab.ids[1])
        try await lab.fail(lab.ids[1], .credentialsRefused)
        #expect(try await lab.pool.account(lab.ids[1])?.isEnabled == true)
        #expect(try await lab.rest(lab.ids[1]) == 60)
        lab.close()
    }

    @Test("An anti-bot page rests the way out, briefly, and is held against no account; one request does so once")
    @LoopActor func egress() async throws {
        let lab = try await Lab(accounts: 2)
        let leases = [try await lab.pool.lease(model: "m"), try await lab.pool.lease(model: "m")]
        try await lab.pool.reportAndWait(leases[0], .failed(.egressBlocked, "poison", body: "p"))
        let error = await caught { try await lab.pool.lease(model: "other") }
        #expect(error?.code == .upstreamOverloaded && error?.retryAfter == 30)
        try await lab.advance(30)
        try await lab.pool.reportAndWait(leases[1], .failed(.egressBlocked, "again", body: "p"))
        for id in lab.ids {
            let account = try #require(try await lab.pool.account(id))
            #expect(account.isEnabled && account.failures == 0 && account.cooldowns.isEmpty)
            #expect(try await lab.rest(id) == 0)
        }
        _ = try await lab.pool.serve("m", .failed(.egressBlocked, "another", body: "q"))
        #expect(await caughtCode { try await lab.pool.lease(model: "m") } == .upstreamOverloaded)
        lab.close()
    }

    @Test("Failures in a row rest the account, the third and each after it; a success starts the count again")
    @LoopActor func failing() async throws {
        let lab = try await Lab(accounts: 1)
        let id = lab.ids[0]
        for _ in 0..<2 { try await lab.fail(id, .failing) }
        #expect(try await lab.rest(id) == 0)
        _ = try await lab.pool.serve()
        for _ in 0..<2 { try await lab.fail(id, .failing) }
        #expect(try await lab.rest(id) == 0)
        for span in [5, 10, 20, 30, 30] {
            try await lab.fail(id, .failing)
            #expect(try await lab.rest(id) == span)
            try await lab.advance(span)
        }
        #expect(try await lab.pool.account(id)?.isEnabled == true)
        lab.close()
    }

    @Test("Mistakes of the client and abandoned calls have no consequence")
    @LoopActor func nothing() async throws {
        let lab = try await Lab(accounts: 1)
        for number in 0..<5 {
            _ = try await lab.pool.serve("m", .failed(.none, "r\(number)"))
            _ = try await lab.pool.serve("m", .abandoned)
        }
        let account = try #require(try await lab.pool.account(lab.ids[0]))
        #expect(account.failures == 0 && account.cooldowns.isEmpty && lab.pool.statistics.inFlight == 0)
        lab.close()
    }

    @Test(
        "One request, and one body, penalises one account until another request confirms it",
        arguments: [true, false]
    )
    @LoopActor func blastRadius(_ isSameRequest: Bool) async throws {
        let lab = try await Lab(accounts: 11)
        var used: Set<String> = []
        // The client retries its poison, under the same id or another one, on every account.
        for number in 0..<11 {
            let outcome = Outcome.limited(
                isSameRequest ? "poison" : "poison \(number)",
                body: isSameRequest ? "" : "poison"
            )
            used.insert(try await lab.pool.serve("m", outcome, excluding: used))
        }
        #expect(used.count == 11)
        var resting: [String] = []
        for id in lab.ids where try await lab.rest(id) > 0 { resting.append(id) }
        #expect(resting.count == 1, "one account pays for it")
        let suspect = try #require(lab.ids.first { $0 != resting[0] })
        #expect(try await lab.pool.account(suspect)?.failures == 1)
        // Another request that has penalised somebody already may still confirm.
        _ = try await lab.pool.serve("m2", .limited("other"), preferring: lab.ids.last)
        _ = try await lab.pool.serve("m", .limited("other", body: "b"), preferring: suspect)
        #expect(try await lab.rest(suspect) == 20)
        let time = try await lab.worker.redis.command(["PTTL", "millrace:{pool:lab}:blame:request:other"]).int
        #expect((1...600_000).contains(time ?? -1))
        lab.close()
    }

    @Test("After repeated failures one probe goes first, and everybody else waits for its end")
    @LoopActor func probing() async throws {
        let lab = try await Lab(accounts: 1)
        let id = lab.ids[0]
        try await lab.fail(id, .rateLimited)
        try await lab.advance(20)
        try await lab.fail(id, .rateLimited)
        try await lab.advance(40)
        for ending in [Outcome.abandoned, .failed(.failing, "own 2"), .failed(.none, "n")] {
            let probe = try await lab.pool.lease(model: "m")
            #expect(probe.isProbe)
            #expect(await caughtCode { try await lab.pool.lease(model: "m") } == .rateLimitExceeded)
            #expect(try await lab.pool.lease(model: "other").isProbe == false)
            try await lab.pool.reportAndWait(probe, ending)
        }
        // The worker with the probe dies: its lease expires, and the next one probes.
        _ = try await lab.pool.lease(model: "m")
        try await lab.advance(59)
        #expect(await caughtCode { try await lab.pool.lease(model: "m") } == .rateLimitExceeded)
        try await lab.advance(1)
        let failing = try await lab.pool.lease(model: "m")
        #expect(failing.isProbe)
        // A probe that lasts is renewed, and still holds everybody off.
        for _ in 0..<3 {
            try await lab.advance(50)
            lab.pool.renew(failing)
            #expect(await caughtCode { try await lab.pool.lease(model: "m") } == .rateLimitExceeded)
        }
        try await lab.pool.reportAndWait(failing, .limited("third"))
        #expect(try await lab.rest(id) == 80)
        try await lab.advance(80)
        let last = try await lab.pool.lease(model: "m")
        #expect(last.isProbe)
        try await lab.pool.reportAndWait(last, .success)
        let both = [try await lab.pool.lease(model: "m"), try await lab.pool.lease(model: "m")]
        #expect(both.allSatisfy { !$0.isProbe })
        let account = try #require(try await lab.pool.account(id))
        #expect(account.cooldowns.isEmpty && account.failures == 0)
        lab.close()
    }

    @Test("A probe of the whole account keeps all models waiting")
    @LoopActor func accountProbe() async throws {
        let lab = try await Lab(accounts: 2)
        let id = lab.ids[0]
        for span in [3600, 7200] {
            try await lab.fail(id, .quotaExhausted)
            try await lab.advance(span)
        }
        let probe = try await lab.pool.lease(model: "m", preferring: id)
        #expect(probe.isProbe)
        for model in ["m", "other"] { #expect(try await lab.rest(id, model) == 60) }
        #expect(try await lab.pool.serve("other", preferring: id) == lab.ids[1])
        try await lab.pool.reportAndWait(probe, .success)
        #expect(try await lab.rest(id, "other") == 0)
        lab.close()
    }

    @Test("A failure reported twice counts once, also when its lease has expired")
    @LoopActor func duplicates() async throws {
        let lab = try await Lab(accounts: 1)
        let lease = try await lab.pool.lease(model: "m")
        try await lab.advance(61)
        for expected in ["cooled", "duplicate"] {
            let reply = try await lab.worker.redis.evaluate(
                StateScripts.reportAccount,
                keys: lab.pool.reportKeys(lease, .limited("r")),
                arguments: lab.pool.reportArguments(lease, .limited("r"))
            )
            #expect(reply.text == expected)
        }
        #expect(try await lab.pool.account(lab.ids[0])?.failures == 1)
        lab.close()
    }

    @Test("Many models may rest at once: the accounts are found, and no index remains when all have returned")
    @LoopActor func manyModels() async throws {
        let lab = try await Lab(accounts: 4)
        for number in 0..<80 { try await lab.fail(lab.ids[number % 2], .rateLimited, model: "m\(number)") }
        for number in 0..<80 {
            for _ in 0..<3 {
                #expect(try await lab.pool.serve("m\(number)") != lab.ids[number % 2])
            }
        }
        #expect(try await lab.worker.redis.command(["ZCARD", "millrace:{pool:lab}:models"]).int == 64)
        #expect((try await lab.pool.account(lab.ids[0])?.cooldowns.count ?? 0) == 40)
        try await lab.advance(20)
        _ = try await lab.pool.serve("m")
        let left = try await lab.worker.redis.command(["KEYS", "millrace:{pool:lab}:*:m*"]).elements
        #expect(left.isEmpty)
        for number in 80..<200 { try await lab.fail(lab.ids[0], .modelForbidden, model: "m\(number)") }
        #expect((try await lab.pool.account(lab.ids[0])?.cooldowns.count ?? 0) == 64, "the number is bounded")
        lab.close()
    }
}
