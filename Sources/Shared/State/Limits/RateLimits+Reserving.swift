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
        // A change of the limits reaches requests of the same turn; a call knows one set of them.
        if let first = key.reservations.first,
            first.limits != limits || key.reservations.count >= Self.batchLimit
        {
            sendReservations(of: key)
        }
        key.reservations.append(PendingReservation(charge: charge, limits: limits, completion: completion))
        flushLater(key)
    }

    func sendReservations(of key: LimitedKey) {
        guard let limits = key.reservations.first?.limits else { return }
        let batch = key.reservations
        key.reservations = []
        redis.evaluate(
            StateScripts.reserveLimits,
            keys: key.keys,
            arguments: reservation(of: batch.lazy.map(\.charge), limits, isForced: false)
        ) { [self] result in
            switch result {
            case .success(let reply): decide(batch, limits, key, ReservationReply(reply, limits, count: batch.count))
            case .failure(let error):
                for waiting in batch { waiting.completion(decideLocally(waiting.charge, limits, key, error)) }
            }
        }
    }

    func reservation(
        of charges: some Collection<Charge>,
        _ limits: KeyLimits,
        isForced: Bool
    ) -> [RedisArgument] {
        var arguments: [RedisArgument] = []
        arguments.reserveCapacity(8 + 2 * limits.budgets.count + 4 * charges.count)
        arguments.append(.integer(leaseMilliseconds))
        arguments.append(.integer(width))
        arguments.append(.integer(parts))
        arguments.append(.integer(limits.requestsPerMinute ?? -1))
        arguments.append(.integer(limits.tokensPerMinute ?? -1))
        arguments.append(.integer(limits.concurrentStreams ?? -1))
        arguments.append(isForced ? "1" : "0")
        arguments.append(.integer(limits.budgets.count))
        for budget in limits.budgets {
            arguments.append(.literal(budget.counterName))
            arguments.append(.integer(budget.amount))
        }
        for charge in charges {
            arguments.append(.text(charge.id))
            arguments.append(.integer(charge.tokens))
            arguments.append(.integer(charge.cost))
            arguments.append(.literal(Self.letters(charge, limits)))
        }
        return arguments
    }

    private func decide(
        _ batch: [PendingReservation],
        _ limits: KeyLimits,
        _ key: LimitedKey,
        _ reply: ReservationReply?
    ) {
        guard let reply else {
            log(.error, "limits answered strangely", LogField("script", "limit-reserve"))
            let error = GatewayError(.internalError, "The limits of this API key cannot be checked.")
            for waiting in batch { waiting.completion(.failure(error)) }
            return
        }
        if isLocal {
            isLocal = false
            log(.info, "limits are decided by redis again")
        }
        key.status = reply.status(limits)
        for (budget, used) in zip(limits.budgets, reply.budgetUse) { key.budgetUse[budget.counter] = used }
        for (waiting, verdict) in zip(batch, reply.verdicts) {
            switch verdict {
            case .admitted(let requests, let tokens):
                admit(waiting.charge, limits, key, isLocal: false)
                waiting.completion(.success(reply.status(limits, requests: requests, tokens: tokens)))
            case .refused(let obstacle, let wait, let place):
                statistics.refusals += 1
                let charge = waiting.charge
                let refusal = reply.refusal(by: obstacle, wait, place, of: charge, limits, window: options.window)
                waiting.completion(.failure(refusal))
            }
        }
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
