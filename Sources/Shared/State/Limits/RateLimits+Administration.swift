package import Core
internal import EventLoop
internal import Redis

/// What a key uses at this moment: for the command line and the console, not for requests.
package struct KeyUsage: Sendable, Equatable {
    package struct Amount: Sendable, Equatable {
        package var used: Int
        /// Missing: not limited.
        package var limit: Int?

        package var remaining: Int? { limit.map { max(0, $0 - used) } }
    }

    package struct BudgetUse: Sendable, Equatable {
        package var budget: Budget
        package var spent: Int
        /// By requests that are running.
        package var reserved: Int
        /// Seconds since 1970; missing for a budget without an end.
        package var ends: Int?

        package var remaining: Int { max(0, budget.amount - spent - reserved) }
    }

    /// Within the last minute.
    package var requests: Amount
    package var tokens: Amount
    package var open: Amount
    /// Of the open requests, those that stream.
    package var streams: Int
    package var budgets: [BudgetUse]
}

extension RateLimits {
    /// Reads what the key with this digest uses, against its limits.
    package func usage(_ digest: String, _ limits: KeyLimits) async throws(GatewayError) -> KeyUsage {
        let reply: RedisReply
        flush()
        do throws(RedisError) {
            reply = try await redis.evaluate(
                StateScripts.readLimits,
                keys: limitedKey(digest).keys,
                arguments: [.integer(width), .integer(parts)],
                timeout: .seconds(2)
            )
        } catch {
            throw .stateUnavailable(error)
        }
        let elements = reply.elements
        guard elements.count >= 6 else { throw GatewayError(.internalError, "The use of this key cannot be read.") }
        let numbers = elements[..<6].map { $0.int ?? 0 }
        let spent = RedisReply.array(Array(elements[6...])).fields.compactMapValues { Int($0) }
        return KeyUsage(
            requests: KeyUsage.Amount(used: numbers[0], limit: limits.requestsPerMinute),
            tokens: KeyUsage.Amount(used: numbers[1], limit: limits.tokensPerMinute),
            open: KeyUsage.Amount(used: numbers[2], limit: limits.concurrentStreams),
            streams: numbers[3],
            budgets: limits.budgets.map { budget in
                KeyUsage.BudgetUse(
                    budget: budget,
                    spent: spent[budget.counter] ?? 0,
                    reserved: budget.unit == .money ? numbers[4] : numbers[5],
                    ends: budget.window == .total ? nil : spent[budget.window.rawValue + ".ends"]
                )
            }
        )
    }

    /// Begins a budget again: nothing is spent of it, only running requests still have their share.
    package func resetBudget(_ digest: String, _ budget: Budget) async throws(GatewayError) {
        let key = limitedKey(digest)
        try await administer(["HSET", key.keys[3], .text(budget.counter), 0])
        key.budgetUse[budget.counter] = 0
    }

    /// Forgets everything about a key that exists no more.
    package func forget(_ digest: String) async throws(GatewayError) {
        do throws(RedisError) {
            _ = try await redis.evaluate(
                StateScripts.forgetLimits,
                keys: limitedKey(digest).keys,
                timeout: .seconds(2)
            )
        } catch {
            throw .stateUnavailable(error)
        }
    }

    private func administer(_ command: [RedisArgument]) async throws(GatewayError) {
        do throws(RedisError) {
            _ = try await redis.command(command, timeout: .seconds(2))
        } catch {
            throw .stateUnavailable(error)
        }
    }
}
