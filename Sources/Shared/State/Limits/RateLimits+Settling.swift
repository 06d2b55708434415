internal import Core
internal import EventLoop
internal import Redis

extension RateLimits {
    /// Replaces the reservation by what was really used; counts once however often it is called. It is sent with the
    /// other commands of this turn, and again until Redis has it.
    package func settle(_ charge: Charge, tokens: Int, cost: Int) {
        let closed = close(charge)
        guard let entry = closed ?? released.removeValue(forKey: charge.id) else { return }
        let tokens = Charge.bounded(tokens)
        let excess = tokens - entry.charge.tokens
        if excess > 0 { entry.key.window.add(requests: 0, tokens: excess, at: LoopClock.turn) }
        let counts = countsIfUnknown(entry, request: entry.isLocal || closed == nil)
        send(
            Settlement(
                id: charge.id,
                key: entry.key,
                tokens: tokens,
                cost: Charge.bounded(cost),
                budgets: entry.limits.budgets,
                countsRequest: counts.request,
                countsTokens: counts.tokens,
                isLocal: entry.isLocal,
                began: LoopClock.turn
            )
        )
    }

    /// Gives back everything: nothing was used. Should it be settled nevertheless, it is counted.
    package func release(_ charge: Charge) {
        guard let entry = close(charge) else { return }
        // Only a mistake of the caller would need more of them.
        if released.count >= options.queueLimit { released.removeAll() }
        released[charge.id] = entry
        if !entry.isLocal || redis.isReady { sendRelease(charge, entry.key) }
    }

    /// Sends what waits and returns when everything has arrived, or when Redis does not take it. For the end of the
    /// process.
    package func drain() async {
        flush()
        for _ in 0..<40 where unanswered > 0 || !waiting.isEmpty {
            sendWaiting()
            flush()
            // Answers come in order: once this one is here, so are those to all that was sent before.
            guard (try? await redis.command(["PING"], timeout: .seconds(2))) != nil else { return }
        }
    }

    /// How many settlements have not got through yet.
    package var waitingCount: Int {
        unsent.reduce(waiting.count + unanswered) { $0 + $1.settlements.count }
    }

    /// How many charges are open here.
    package var openCount: Int { open.count }

    func sendRelease(_ charge: Charge, _ key: LimitedKey) {
        unanswered += 1
        redis.evaluate(
            StateScripts.releaseLimits,
            keys: key.keys,
            arguments: [.text(charge.id), .integer(width), .integer(parts)]
        ) { [self] _ in
            // Lost, it is as if the worker had died: the lease ends by itself.
            unanswered -= 1
        }
    }

    func sendWaiting() {
        guard redis.isReady else { return retryLater() }
        let now = LoopClock.turn
        // Not all at once: requests are waiting for Redis too.
        let batch = waiting.prefix(1_000)
        waiting.removeFirst(batch.count)
        for settlement in batch {
            if settlement.began.advanced(by: options.patience) < now {
                lose(settlement, "too late")
            } else {
                send(settlement)
            }
        }
        retryLater()
    }

    private func close(_ charge: Charge) -> OpenCharge? {
        guard let entry = open.removeValue(forKey: charge.id) else { return nil }
        entry.key.openCount -= 1
        return entry
    }

    /// A charge of which Redis knows nothing is counted in the window only if it began within it.
    private func countsIfUnknown(_ entry: OpenCharge, request: Bool) -> (request: Bool, tokens: Bool) {
        guard LoopClock.turn < entry.since.advanced(by: options.window) else { return (false, false) }
        return (request && entry.limits.requestsPerMinute != nil, entry.limits.tokensPerMinute != nil)
    }

    private func send(_ settlement: Settlement) {
        let key = settlement.key
        // A call knows one set of budgets.
        if let first = key.settlements.first,
            first.budgets != settlement.budgets || key.settlements.count >= Self.batchLimit
        {
            sendSettlements(of: key)
        }
        key.settlements.append(settlement)
        flushLater(key)
    }

    func sendSettlements(of key: LimitedKey) {
        guard let budgets = key.settlements.first?.budgets else { return }
        let batch = key.settlements
        key.settlements = []
        var arguments: [RedisArgument] = []
        arguments.reserveCapacity(5 + budgets.count + 4 * batch.count)
        arguments.append(.integer(max(1, Int(options.markTime.components.seconds))))
        arguments.append(.integer(max(1, Int(max(options.patience, options.markTime).components.seconds))))
        arguments.append(.integer(width))
        arguments.append(.integer(parts))
        arguments.append(.integer(budgets.count))
        for budget in budgets { arguments.append(.literal(budget.counterName)) }
        for settlement in batch {
            arguments.append(.text(settlement.id))
            arguments.append(.integer(settlement.tokens))
            arguments.append(.integer(settlement.cost))
            arguments.append(.literal(settlement.letters))
        }
        unanswered += batch.count
        redis.evaluate(StateScripts.settleLimits, keys: key.keys, arguments: arguments) { [self] result in
            unanswered -= batch.count
            switch result {
            case .success: statistics.settlements += batch.count
            case .failure(let error): for settlement in batch { failed(settlement, error) }
            }
        }
    }

    private func failed(_ settlement: Settlement, _ error: RedisError) {
        guard error.prefix != "ERR", error.prefix != "WRONGTYPE" else { return lose(settlement, error.message) }
        guard waiting.count < options.queueLimit else { return lose(settlement, "too many are waiting") }
        var settlement = settlement
        settlement.mayHaveRun = settlement.mayHaveRun || error.mayHaveRun
        waiting.append(settlement)
        retryLater()
    }

    private func lose(_ settlement: Settlement, _ reason: String) {
        statistics.lostSettlements += 1
        log(
            .error,
            "use of a key was not counted",
            LogField("key", String(settlement.key.digest.prefix(16))),
            LogField("tokens", String(settlement.tokens)),
            LogField("reason", reason)
        )
    }
}
