package import Core
internal import EventLoop
internal import Redis

extension RateLimits {
    /// Reserves what the request is expected to use, or says why it must not run. Nothing to say about rates when the
    /// key has none. `completion` is called exactly once, before this returns when no script is needed.
    ///
    /// A charge that is open is enlarged if need be, so asking again under the same id costs nothing twice.
    package func reserve(
        _ charge: Charge,
        _ limits: KeyLimits,
        completion: @escaping @LoopActor (Result<RateStatus?, GatewayError>) -> Void
    ) {
        guard !limits.isUnlimited else { return completion(.success(nil)) }
        if let most = limits.tokensPerMinute, charge.tokens > most {
            statistics.refusals += 1
            return completion(.failure(.tooManyTokensAtOnce(charge.tokens, limit: most, window: options.window)))
        }
        let key = limitedKey(charge.digest)
        redis.evaluate(
            StateScripts.reserveLimits,
            keys: key.keys,
            arguments: reservation(of: charge, limits, isForced: false)
        ) { [self] result in
            switch result {
            case .success(let reply): completion(decide(charge, limits, key, ReservationReply(reply)))
            case .failure(let error): completion(decideLocally(charge, limits, key, error))
            }
        }
    }

    func reservation(of charge: Charge, _ limits: KeyLimits, isForced: Bool) -> [RedisArgument] {
        var arguments: [RedisArgument] = []
        arguments.reserveCapacity(11 + 2 * limits.budgets.count)
        arguments.append(.text(charge.id))
        arguments.append(.integer(charge.tokens))
        arguments.append(.integer(charge.cost))
        arguments.append(.literal(Self.letters(charge, limits)))
        arguments.append(.integer(leaseMilliseconds))
        arguments.append(.integer(width))
        arguments.append(.integer(parts))
        arguments.append(.integer(limits.requestsPerMinute ?? -1))
        arguments.append(.integer(limits.tokensPerMinute ?? -1))
        arguments.append(.integer(limits.concurrentStreams ?? -1))
        arguments.append(isForced ? "1" : "0")
        for budget in limits.budgets {
            arguments.append(.text(budget.counter))
            arguments.append(.integer(budget.amount))
        }
        return arguments
    }

    private func decide(
        _ charge: Charge,
        _ limits: KeyLimits,
        _ key: LimitedKey,
        _ reply: ReservationReply?
    ) -> Result<RateStatus?, GatewayError> {
        guard let reply else {
            log(.error, "limits answered strangely", LogField("script", "limit-reserve"))
            return .failure(GatewayError(.internalError, "The limits of this API key cannot be checked."))
        }
        if isLocal {
            isLocal = false
            log(.info, "limits are decided by redis again")
        }
        key.status = reply.status(limits)
        for (budget, used) in zip(limits.budgets, reply.budgetUse) { key.budgetUse[budget.counter] = used }
        if let refusal = reply.refusal(of: charge, limits, window: options.window) {
            statistics.refusals += 1
            return .failure(refusal)
        }
        admit(charge, limits, key, isLocal: false)
        return .success(key.status)
    }

    /// Notes an admitted charge until it is settled or released.
    func admit(_ charge: Charge, _ limits: KeyLimits, _ key: LimitedKey, isLocal: Bool) {
        statistics.reservations += 1
        let now = LoopClock.turn
        let known = open[charge.id]
        if known == nil { key.openCount += 1 }
        let additional = max(0, charge.tokens - (known?.charge.tokens ?? 0))
        key.window.add(requests: known == nil ? 1 : 0, tokens: additional, at: now)
        open[charge.id] = OpenCharge(
            charge: charge,
            limits: limits,
            key: key,
            since: known?.since ?? now,
            isLocal: isLocal && known?.isLocal ?? true
        )
        renewLater()
    }

    /// What of a charge is counted where: see the scripts.
    static func letters(_ charge: Charge, _ limits: KeyLimits) -> StaticString {
        let number =
            (charge.isStream ? 8 : 0) + (limits.requestsPerMinute != nil ? 4 : 0)
            + (limits.tokensPerMinute != nil ? 2 : 0) + (limits.budgets.isEmpty ? 0 : 1)
        return lettersByNumber[number]
    }

    private static let lettersByNumber: [StaticString] = [
        "", "b", "t", "tb", "r", "rb", "rt", "rtb", "s", "sb", "st", "stb", "sr", "srb", "srt", "srtb",
    ]
}
