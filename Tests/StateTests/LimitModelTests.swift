import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

/// The scripts against a model of a few lines, over long random histories.
@Suite("Limits against a model", .onLoop, .timeLimit(.minutes(1)))
struct LimitModelTests {
    private static let limits = KeyLimits(
        requestsPerMinute: 90,
        tokensPerMinute: 16_000,
        concurrentStreams: 8,
        budgets: [
            Budget(amount: 80_000, unit: .money, window: .total), Budget(amount: 18_000, unit: .tokens, window: .month),
        ]
    )

    @Test("Random histories end in the same state and with the same decisions", arguments: 1...12)
    @LoopActor func histories(_ seed: Int) async throws {
        let server = try RedisServer()
        let workers = [try await LimitWorker(server), try await LimitWorker(server)]
        var random = SeededGenerator(seed: UInt64(seed))
        var model = Model(limits: Self.limits)
        var charges: [(charge: Charge, owner: Int)] = []
        var decisions = 0
        for _ in 0..<300 {
            let owner = Int.random(in: 0..<2, using: &random)
            let step = Int.random(in: 0..<10, using: &random)
            if step < 6 || charges.isEmpty {
                // Sometimes a known charge asks for more.
                let known = step == 0 ? charges.randomElement(using: &random)?.charge.id : nil
                let charge = Charge(
                    id: known ?? Charge.newID(),
                    digest: Charge.someDigest,
                    tokens: .random(in: 0...400, using: &random),
                    cost: .random(in: 0...3_000, using: &random),
                    isStream: step.isMultiple(of: 2)
                )
                let refusal = await workers[owner].refusal(charge, Self.limits)
                let expected = model.reserve(charge, by: owner)
                #expect(refusal?.code == expected)
                decisions += 1
                if refusal == nil { charges.append((charge, owner)) }
            } else {
                let place = Int.random(in: 0..<charges.count, using: &random)
                // Kept now and then, so that it is settled or released again later.
                let (charge, owner) = step == 9 ? charges[place] : charges.remove(at: place)
                let tokens = Int.random(in: 0...500, using: &random)
                let cost = Int.random(in: 0...2_000, using: &random)
                if step < 8 {
                    workers[owner].limits.settle(charge, tokens: tokens, cost: cost)
                    model.settle(charge.id, tokens: tokens, cost: cost, by: owner)
                } else {
                    workers[owner].limits.release(charge)
                    model.release(charge.id, by: owner)
                }
                await workers[owner].limits.drain()
            }
            let usage = try await workers[0].usage(Charge.someDigest, Self.limits)
            #expect(usage.requests.used == model.requests && usage.tokens.used == model.tokens)
            #expect(usage.open.used == model.open.count)
            #expect(usage.budgets.map(\.spent) == [model.money, model.spentTokens])
            #expect(usage.budgets.map(\.reserved) == [model.reservedMoney, model.reservedTokens])
        }
        print("history \(seed): \(decisions) decisions, \(model.refusals) refusals, \(model.settled.count) settled")
        for worker in workers { worker.close() }
        server.stop()
    }

    /// All of it happens within one window, so nothing is ever free again by itself.
    private struct Model {
        let limits: KeyLimits
        var requests = 0
        var tokens = 0
        var money = 0
        var spentTokens = 0
        var open: [String: (tokens: Int, cost: Int)] = [:]
        var settled: Set<String> = []
        var refusals = 0
        /// Which workers have admitted and not yet closed a charge, and which have given it back.
        var admittedBy: [String: Set<Int>] = [:]
        var releasedBy: [String: Set<Int>] = [:]

        var reservedMoney: Int { open.values.reduce(0) { $0 + $1.cost } }
        var reservedTokens: Int { open.values.reduce(0) { $0 + $1.tokens } }

        mutating func reserve(_ charge: Charge, by owner: Int) -> GatewayError.Code? {
            let held = open[charge.id]
            let moreTokens = max(0, charge.tokens - (held?.tokens ?? 0))
            let moreMoney = max(0, charge.cost - (held?.cost ?? 0))
            let isNew = held == nil
            for budget in limits.budgets {
                let (used, more) =
                    budget.unit == .money
                    ? (money + reservedMoney, moreMoney) : (spentTokens + reservedTokens, moreTokens)
                let asked = isNew ? max(1, more) : more
                if asked > 0, used + asked > budget.amount { return refuse(.budgetExhausted) }
            }
            if isNew, requests + 1 > limits.requestsPerMinute ?? .max { return refuse(.rateLimitExceeded) }
            if moreTokens > 0, tokens + moreTokens > limits.tokensPerMinute ?? .max {
                return refuse(.rateLimitExceeded)
            }
            if isNew, open.count >= limits.concurrentStreams ?? .max { return refuse(.rateLimitExceeded) }
            requests += isNew ? 1 : 0
            tokens += moreTokens
            open[charge.id] = ((held?.tokens ?? 0) + moreTokens, (held?.cost ?? 0) + moreMoney)
            admittedBy[charge.id, default: []].insert(owner)
            return nil
        }

        mutating func settle(_ id: String, tokens used: Int, cost: Int, by owner: Int) {
            let wasAdmitted = admittedBy[id]?.remove(owner) != nil
            guard wasAdmitted || releasedBy[id]?.remove(owner) != nil else { return }
            let held = open.removeValue(forKey: id)
            tokens -= held?.tokens ?? 0
            guard settled.insert(id).inserted else { return }
            tokens += used
            // Given back, the request was taken out of the window; used after all, it is in it again.
            if held == nil, !wasAdmitted { requests += 1 }
            money += cost
            spentTokens += used
        }

        mutating func release(_ id: String, by owner: Int) {
            guard admittedBy[id]?.remove(owner) != nil else { return }
            releasedBy[id, default: []].insert(owner)
            guard let held = open.removeValue(forKey: id) else { return }
            requests -= 1
            tokens -= held.tokens
        }

        private mutating func refuse(_ code: GatewayError.Code) -> GatewayError.Code {
            refusals += 1
            return code
        }
    }
}
