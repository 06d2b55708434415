import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

/// Random operations, against the scripts and against the plain model of the rules.
@Suite("Account rules", .onLoop, .timeLimit(.minutes(2)))
struct AccountPropertyTests {
    @Test("Scripts and model agree after each of many random operations", arguments: [UInt64(1), 2, 3, 4])
    @LoopActor func agreement(_ seed: UInt64) async throws {
        let run = try await Run(seed: seed)
        for _ in 0..<700 { try await run.step() }
        print("seed \(seed): \(run.tally.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })")
        #expect((run.tally["leased"] ?? 0) > 100 && (run.tally["refused"] ?? 0) > 0 && (run.tally["probe"] ?? 0) > 0)
        run.close()
    }

    @LoopActor
    private final class Run {
        let server: RedisServer
        let clock = RedisTime()
        let worker: PoolWorker
        var random: SeededGenerator
        var model: AccountModel
        var open: [Lease] = []
        var tally: [String: Int] = [:]
        private var made = 0
        private static let models = ["a", "b", "c"]

        init(seed: UInt64) async throws {
            random = SeededGenerator(seed: seed)
            server = try RedisServer()
            worker = try await PoolWorker(server, clock: clock) { options in
                options.use = .scripted
                // Time is moved by hand, that of keys is not: what this worker renews and says by itself must not matter.
                options.heartbeat = .seconds(3600)
                options.leaseTime = .seconds(60)
                options.requestBlameTime = .seconds(3600)
                options.bodyBlameTime = .seconds(3600)
                options.confirmationTime = .seconds(100)
                options.memory = .seconds(1200)
                options.consequences[.quotaExhausted]?.first = .seconds(60)
                options.consequences[.modelForbidden]?.first = .seconds(30)
            }
            model = AccountModel(options: worker.pool.options)
            for _ in 0..<5 { try await add() }
        }

        func close() {
            worker.close()
            server.stop()
        }

        func step() async throws {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<40: try await lease()
            case 40..<80: try await report()
            case 80..<90: try await clock.advance(.random(in: 1...40_000, using: &random), worker.redis)
            case 90..<93: try await enable()
            case 93: try await clear()
            case 94..<96: try await update()
            case 96: try await add()
            case 97: if model.members.count > 3 { try await remove() }
            case 98: try await clock.advance(.random(in: 100_000...1_000_000, using: &random), worker.redis)
            default:
                if let lease = open.randomElement(using: &random) {
                    worker.pool.renew(lease)
                    model.renewed(lease, now: clock.now)
                }
            }
            try await compare()
        }

        private func lease() async throws {
            let name = Self.models.randomElement(using: &random) ?? "a"
            var excluded: Set<String> = []
            for id in model.members.keys.sorted() where Int.random(in: 0..<6, using: &random) == 0 {
                excluded.insert(id)
            }
            let preferred = Bool.random(using: &random) ? anybody() : nil
            let servable = model.servable(model: name, excluding: excluded, now: clock.now)
            let order = try await turns()
            do {
                let lease = try await worker.pool.lease(model: name, preferring: preferred, excluding: excluded)
                let verdict = model.verdict(lease.account.id, model: name, excluding: excluded, now: clock.now)
                #expect(verdict != nil, "leased \(lease.account.id), which cannot serve")
                #expect(verdict?.isProbe == lease.isProbe)
                if let preferred, servable.contains(preferred) {
                    #expect(lease.account.id == preferred)
                } else {
                    let least = servable.compactMap { order[$0] }.min() ?? 0
                    #expect((order[lease.account.id] ?? 0) <= least, "somebody else's turn")
                }
                model.granted(lease, now: clock.now)
                open.append(lease)
                tally["leased", default: 0] += 1
                if lease.isProbe { tally["probe", default: 0] += 1 }
            } catch {
                #expect(error.code != .internalError && error.code != .stateUnavailable)
                #expect(servable.isEmpty, "refused although \(servable) can serve")
                tally["refused", default: 0] += 1
            }
        }

        /// The virtual time each account has, or will have when it is found to have returned.
        private func turns() async throws -> [String: Double] {
            let redis = worker.redis
            let floor = try await redis.command(["HGET", "millrace:{pool:lab}:pool", "vtime"]).text.flatMap {
                Double($0)
            }
            var times: [String: Double] = [:]
            let ready = try await redis.command(["ZRANGE", "millrace:{pool:lab}:ready", "0", "-1", "WITHSCORES"]).fields
            for id in model.members.keys {
                if let time = ready[id].flatMap({ Double($0) }) {
                    times[id] = time
                } else {
                    let own = try await redis.command(["HGET", .text("millrace:{pool:lab}:account:\(id)"), "vtime"])
                    times[id] = max(own.text.flatMap { Double($0) } ?? 0, floor ?? 0)
                }
            }
            return times
        }

        private func report() async throws {
            guard !open.isEmpty else { return }
            let lease = open.remove(at: .random(in: open.indices, using: &random))
            let outcome: Outcome
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4: outcome = .success
            case 4: outcome = .abandoned
            default:
                let reason = FailureClass.allCases.randomElement(using: &random) ?? .failing
                let isShut = reason == .egressBlocked && Int.random(in: 0..<8, using: &random) > 0
                outcome = .failure(
                    isShut ? .rateLimited : reason,
                    retryAfter: Bool.random(using: &random) ? Int.random(in: 1...100, using: &random) : nil,
                    requestID: "request \(Int.random(in: 0..<150, using: &random))",
                    requestDigest: "body \(Int.random(in: 0..<150, using: &random))",
                    evidenceDigest: "evidence"
                )
            }
            try await worker.pool.reportAndWait(lease, outcome)
            model.reported(lease, outcome, now: clock.now)
            tally["reported", default: 0] += 1
        }

        private func enable() async throws {
            let id = anybody()
            let isDisabled = model.members[id]?.state.isEnabled == false
            let isEnabled = isDisabled || Int.random(in: 0..<4, using: &random) > 0
            #expect(try await worker.pool.setEnabled(id, isEnabled))
            model.members[id]?.state.isEnabled = isEnabled
            if isEnabled { model.members[id]?.state.suspicions[.credentialsRefused] = nil }
        }

        private func clear() async throws {
            let id = anybody()
            let name = Bool.random(using: &random) ? Self.models.randomElement(using: &random) : nil
            let scope = name.map { Cooldown.Scope.model($0) } ?? .account
            let isCleared = try await worker.pool.clearCooldown(id, model: name)
            if isCleared {
                model.members[id]?.state.streak = 0
                tally["cleared", default: 0] += 1
            } else {
                #expect((model.members[id]?.state.cooldowns[scope]?.kept ?? 0) <= clock.now)
            }
            model.members[id]?.state.cooldowns[scope] = nil
        }

        private func update() async throws {
            let id = anybody()
            let limit: Int? = Bool.random(using: &random) ? Int.random(in: 1...3, using: &random) : nil
            let changes = Account.Changes(weight: .random(in: 1...4, using: &random), concurrency: .some(limit))
            #expect(try await worker.pool.update(id, changes) != nil)
            model.members[id]?.state.concurrency = limit
        }

        private func add() async throws {
            made += 1
            let limit: Int? = Bool.random(using: &random) ? Int.random(in: 1...3, using: &random) : nil
            let account = try await worker.pool.add(credential: "credential \(made)", concurrency: limit)
            var state = AccountState(id: account.id, origin: .stored)
            state.concurrency = limit
            model.members[account.id] = AccountModel.Member(state: state)
        }

        private func remove() async throws {
            let id = anybody()
            #expect(try await worker.pool.remove(id))
            model.members[id] = nil
        }

        private func anybody() -> String { model.members.keys.sorted().randomElement(using: &random) ?? "" }

        /// What Redis holds of each account is what the model holds.
        private func compare() async throws {
            let accounts = try await worker.pool.page(from: 0, count: 100)
            #expect(Set(accounts.map(\.id)) == Set(model.members.keys))
            for account in accounts {
                guard let state = model.members[account.id]?.state else { continue }
                let expected = state.cooldowns.filter { $0.value.kept > clock.now }
                let found = Dictionary(uniqueKeysWithValues: account.cooldowns.map { ($0.scope, $0) })
                #expect(account.isEnabled == state.isEnabled && account.failures == state.failures)
                #expect(Set(found.keys) == Set(expected.keys))
                for (scope, cooldown) in found {
                    guard var own = expected[scope] else { continue }
                    own.probeUntil = cooldown.probeUntil
                    #expect(cooldown == own)
                }
            }
        }
    }
}
