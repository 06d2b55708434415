internal import Core
internal import EventLoop
internal import Redis

/// What happens while Redis cannot be asked.
extension RateLimits {
    /// Admits within this worker's share of the limits: open for rates, since a limit is no reason to stop serving;
    /// closed for budgets that were, when last heard of, spent, or of which nothing is known.
    func decideLocally(
        _ charge: Charge,
        _ limits: KeyLimits,
        _ key: LimitedKey,
        _ error: RedisError
    ) -> Result<RateStatus?, GatewayError> {
        statistics.localDecisions += 1
        if !isLocal {
            isLocal = true
            log(.warning, "limits are decided locally", LogField("reason", error.label))
        }
        let refusal = localRefusal(of: charge, limits, key, error)
        guard let refusal else {
            for budget in limits.budgets {
                key.budgetUse[budget.counter, default: 0] += budget.unit == .money ? charge.cost : charge.tokens
            }
            admit(charge, limits, key, isLocal: true)
            key.status = localStatus(limits, key)
            return .success(key.status)
        }
        statistics.refusals += 1
        // The script may have run although its answer is missing.
        if error.mayHaveRun, open[charge.id] == nil { sendRelease(charge, key) }
        key.status = localStatus(limits, key)
        return .failure(refusal)
    }

    private func localRefusal(
        of charge: Charge,
        _ limits: KeyLimits,
        _ key: LimitedKey,
        _ error: RedisError
    ) -> GatewayError? {
        key.window.advance(to: LoopClock.turn)
        let known = open[charge.id]?.charge
        for budget in limits.budgets {
            let asked = budget.unit == .money ? charge.cost : charge.tokens
            guard let used = key.budgetUse[budget.counter], used + max(asked, 1) <= budget.amount else {
                return .stateUnavailable(error)
            }
        }
        let wait = max(1, Int(options.window.components.seconds) / 2)
        if let limit = share(of: limits.tokensPerMinute) {
            let asked = max(0, charge.tokens - (known?.tokens ?? 0))
            if asked > 0, key.window.tokens + asked > limit {
                let used = key.window.tokens
                return .tooManyTokens(asked, used: used, limit: limit, window: options.window, wait: wait)
            }
        }
        guard known == nil else { return nil }
        if let limit = share(of: limits.requestsPerMinute), key.window.requests >= limit {
            return .tooManyRequests(used: key.window.requests, limit: limit, window: options.window, wait: wait)
        }
        if let limit = share(of: limits.concurrentStreams), key.openCount >= limit {
            return .tooManyOpenRequests(limit: limit, wait: 1)
        }
        return nil
    }

    private func localStatus(_ limits: KeyLimits, _ key: LimitedKey) -> RateStatus? {
        guard limits.requestsPerMinute != nil || limits.tokensPerMinute != nil else { return nil }
        let reset = Int(options.window.milliseconds)
        return RateStatus(
            requests: share(of: limits.requestsPerMinute).map {
                RateStatus.Rate(limit: $0, remaining: max(0, $0 - key.window.requests), resetMilliseconds: reset)
            },
            tokens: share(of: limits.tokensPerMinute).map {
                RateStatus.Rate(limit: $0, remaining: max(0, $0 - key.window.tokens), resetMilliseconds: reset)
            }
        )
    }

    private func share(of limit: Int?) -> Int? {
        limit.map { $0 <= 0 ? 0 : max(1, $0 / max(1, livingWorkers())) }
    }
}
