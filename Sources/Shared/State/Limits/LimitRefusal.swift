internal import Core

/// What a client is told whose request passes a limit: which one, how much it allows, what was asked for.
extension GatewayError {
    static func tooManyRequests(used: Int, limit: Int, window: Duration, wait: Int) -> GatewayError {
        rateLimited(
            "requests",
            "Rate limit of requests reached for this API key: limit \(limit) \(per(window)), used \(used), requested 1. "
                + "Please try again in \(seconds(wait)).",
            wait
        )
    }

    static func tooManyTokens(_ tokens: Int, used: Int, limit: Int, window: Duration, wait: Int) -> GatewayError {
        rateLimited(
            "tokens",
            "Rate limit of tokens reached for this API key: limit \(limit) \(per(window)), used \(used), "
                + "requested \(tokens). Please try again in \(seconds(wait)).",
            wait
        )
    }

    /// Waiting does not help this one, so there is nothing to say about when to try again.
    static func tooManyTokensAtOnce(_ tokens: Int, limit: Int, window: Duration) -> GatewayError {
        rateLimited(
            "tokens",
            "Request too large for this API key: limit \(limit) tokens \(per(window)), requested \(tokens). The input "
                + "and the output asked for must be reduced.",
            nil
        )
    }

    static func tooManyOpenRequests(limit: Int, wait: Int) -> GatewayError {
        rateLimited(
            "concurrency",
            "Too many requests at once for this API key: limit \(limit), requested 1 more. Please try again when one has "
                + "ended.",
            wait
        )
    }

    static func budgetExhausted(_ budget: Budget, used: Int, _ charge: Charge, wait: Int?) -> GatewayError {
        let asked = budget.unit == .money ? charge.cost : charge.tokens
        let period =
            switch budget.window {
            case .total: "in total"
            case .day: "per day (UTC)"
            case .month: "per month (UTC)"
            }
        return GatewayError(
            .budgetExhausted,
            "Budget of this API key exhausted: \(text(budget.amount, budget.unit)) \(period), "
                + "\(text(used, budget.unit)) spent or reserved, \(text(asked, budget.unit)) requested.",
            source: .client,
            retryAfter: wait
        )
    }

    /// Like OpenAI, the error's type tells what there was too much of.
    private static func rateLimited(_ type: String, _ message: String, _ wait: Int?) -> GatewayError {
        var error = GatewayError(.rateLimitExceeded, message, source: .client, retryAfter: wait)
        error.upstreamType = type
        return error
    }

    private static func per(_ window: Duration) -> String {
        window == .seconds(60) ? "per minute" : "per \(window.milliseconds) ms"
    }

    private static func seconds(_ count: Int) -> String { count == 1 ? "1 second" : "\(count) seconds" }

    private static func text(_ amount: Int, _ unit: Budget.Unit) -> String {
        guard unit == .money else { return "\(amount) tokens" }
        // Millionths of a dollar are fine enough for people.
        let millionths = amount / 1_000
        let fraction = String(millionths % 1_000_000)
        let padded = String(repeating: "0", count: 6 - fraction.count) + fraction
        return "$\(millionths / 1_000_000).\(padded)"
    }
}
