package import Core
internal import EventLoop
internal import Redis

/// What becomes of leases.
extension AccountPool {
    /// Ends a lease and draws the consequences. Never fails: what Redis does not take now is sent again until it does, or
    /// until it is of no use any more. Each lease is reported once.
    package func report(_ lease: Lease, _ outcome: Outcome) {
        guard ended(lease) else { return }
        let isWorthSending = isWorthSending(lease, outcome)
        applyLocally(lease, outcome)
        if isWorthSending { enqueue(lease, outcome) }
    }

    /// The same, and waits until every worker's next script knows. When it throws, the report is still being sent.
    package func reportAndWait(_ lease: Lease, _ outcome: Outcome) async throws(GatewayError) {
        guard ended(lease) else { return }
        let isWorthSending = isWorthSending(lease, outcome)
        applyLocally(lease, outcome)
        guard redis != nil, isWorthSending else { return }
        let hasArrived = await unsafe withUnsafeContinuation { continuation in
            enqueue(lease, outcome) { unsafe continuation.resume(returning: $0) }
        }
        if !hasArrived {
            throw GatewayError(.stateUnavailable, "The service's state cannot be reached.", retryAfter: 1)
        }
    }

    /// More is known of a failure that was reported: the rest that follows from it lasts as long as the upstream says now,
    /// if that is longer.
    package func amend(_ lease: Lease, _ outcome: Outcome) {
        guard case .failure = outcome else { return }
        // To the account it is the same trouble seen once more, by a call that was under way when the rest began.
        let again = lease.again
        applyLocally(again, outcome)
        enqueue(again, outcome)
    }

    private func ended(_ lease: Lease) -> Bool {
        if lease.isScripted, openLeases.removeValue(forKey: lease.id) == nil { return false }
        statistics.inFlight = max(0, statistics.inFlight - 1)
        mirror.countLease(lease.accountID, -1)
        return true
    }

    /// On the mirrored path a call that went well costs nothing, unless there is something to put right.
    private func isWorthSending(_ lease: Lease, _ outcome: Outcome) -> Bool {
        if lease.isScripted { return true }
        switch outcome {
        case .abandoned, .failure(.none, _, _, _, _): return false
        case .failure: return true
        case .success:
            return mirror.entry(lease.accountID)?.state
                .isHelped(by: lease.id, granted: lease.granted, model: lease.model) ?? false
        }
    }

    /// Draws the consequences in this worker's mirror, where the next choice is made.
    private func applyLocally(_ lease: Lease, _ outcome: Outcome) {
        guard redis == nil || options.use == .mirrored else { return }
        switch outcome {
        case .success:
            guard let entry = mirror.entry(lease.accountID),
                entry.state.isHelped(by: lease.id, granted: lease.granted, model: lease.model)
            else { return }
            mirror.change(lease.accountID) {
                $0.succeeded(lease: lease.id, granted: lease.granted, model: lease.model)
            }
        case .abandoned, .failure(.none, _, _, _, _):
            guard lease.isProbe else { return }
            mirror.change(lease.accountID) { $0.released(lease: lease.id, model: lease.model) }
        case .failure(let reason, let retryAfter, let requestID, let requestDigest, let evidenceDigest):
            guard let consequence = options.consequences[reason] else { return }
            fail(
                lease,
                AccountState.Failure(
                    reason: reason,
                    consequence: consequence,
                    retryAfter: retryAfter,
                    requestID: requestID,
                    requestDigest: requestDigest,
                    evidenceDigest: evidenceDigest
                )
            )
        }
    }

    private func fail(_ lease: Lease, _ failure: AccountState.Failure) {
        let now = now
        if failure.consequence.scope == .egress {
            pauseLocally(failure, now)
            mirror.change(lease.accountID) { $0.released(lease: lease.id, model: lease.model) }
            return
        }
        let isFirst = blame.claim(
            lease.accountID,
            request: failure.requestID,
            digest: failure.requestDigest,
            now: now,
            requestTime: Int(options.requestBlameTime.milliseconds),
            digestTime: Int(options.bodyBlameTime.milliseconds)
        )
        var effect = AccountState.Effect.unconfirmed
        mirror.change(lease.accountID) { state in
            effect = state.failed(
                failure,
                lease: lease.id,
                granted: lease.granted,
                model: lease.model,
                isFirst: isFirst,
                now: now,
                options: options
            )
        }
        guard redis == nil else { return }
        count(effect, failure.reason, lease, failure.requestID)
    }

    private func pauseLocally(_ failure: AccountState.Failure, _ now: Int) {
        // Accounts have ids of sixteen digits, so the way out cannot be taken for one. A request shuts it once.
        let request = failure.requestID.isEmpty ? "" : "egress:" + failure.requestID
        let digest = failure.requestDigest.isEmpty ? "" : "egress:" + failure.requestDigest
        guard !blame.knows(request: request, digest: digest, now: now) else { return }
        _ = blame.claim(
            "egress",
            request: request,
            digest: digest,
            now: now,
            requestTime: Int(options.requestBlameTime.milliseconds),
            digestTime: Int(options.bodyBlameTime.milliseconds)
        )
        mirror.egressUntil = max(mirror.egressUntil, now + failure.consequence.span(repeats: 1))
        mirror.egressReason = failure.reason
        if redis == nil { statistics.cooldownsStarted[failure.reason, default: 0] += 1 }
    }

    /// What the mirror was just told by Redis does not hold what this worker has seen and Redis not yet heard.
    func applyUnheardReports() {
        for item in reports.all {
            if case .failure(let reason, _, _, _, _) = item.outcome, reason != .none {
                applyLocally(item.lease, item.outcome)
            }
        }
    }

    func enqueue(_ lease: Lease, _ outcome: Outcome, _ waiter: (@LoopActor (Bool) -> Void)? = nil) {
        guard redis != nil, !isClosed else {
            waiter?(false)
            return
        }
        var useful = Int(options.reportTime.milliseconds)
        // A lease that has expired needs no end.
        if case .failure = outcome {} else { useful = min(useful, leaseMilliseconds) }
        let item = ReportQueue.Item(lease: lease, outcome: outcome, expires: now + useful, waiter: waiter)
        let number = reports.append(item)
        if reports.count > options.reportLimit, let lost = reports.removeOldest() {
            statistics.reportsLost += 1
            lost.waiter?(false)
        }
        send(number)
    }

    private func send(_ number: Int) {
        guard let redis, let item = reports[number] else { return }
        reports.update(number, isUnderWay: true)
        redis.evaluate(
            StateScripts.reportAccount,
            keys: reportKeys(item.lease, item.outcome),
            arguments: reportArguments(item.lease, item.outcome)
        ) { [weak self] result in
            self?.answered(number, result)
        }
    }

    private func answered(_ number: Int, _ result: Result<RedisReply, RedisError>) {
        switch result {
        case .success(let reply):
            guard let item = reports[number] else { return }
            if reply.text == "unknown", mirror.environment[item.lease.accountID] != nil {
                // Redis has lost its memory: it is told of the account first.
                return register { [weak self] error in
                    if let error { self?.failed(number, error.cause ?? error.message) } else { self?.send(number) }
                }
            }
            reports.remove(number)
            if case .failure(let reason, _, let requestID, _, _) = item.outcome {
                count(AccountState.Effect(reply.text), reason, item.lease, requestID)
            }
            item.waiter?(true)
        case .failure(let error):
            failed(number, error.message, isFinal: error.prefix == "ERR" || error.prefix == "WRONGTYPE")
        }
    }

    /// The report is sent again later, unless it would never get through.
    private func failed(_ number: Int, _ cause: String, isFinal: Bool = false) {
        reports.update(number, isUnderWay: false)
        reports.takeWaiter(number)?(false)
        guard isFinal else {
            if !isClosed { retryTimer?.schedule(after: options.retryInterval) }
            return
        }
        reports.remove(number)
        statistics.reportsLost += 1
        log(.error, "account report refused", LogField("pool", name), LogField("reason", cause))
    }

    func retryReports() {
        guard let redis, !isClosed else { return }
        let (expired, waiting) = reports.sweep(now: now, limit: redis.isReady ? 256 : 0)
        for item in expired {
            if case .failure = item.outcome { statistics.reportsLost += 1 }
        }
        for number in waiting { send(number) }
        if !reports.isEmpty { retryTimer?.schedule(after: options.retryInterval) }
    }

    private func count(_ effect: AccountState.Effect, _ reason: FailureClass, _ lease: Lease, _ requestID: String) {
        switch effect {
        case .unconfirmed, .counted: return
        case .cooled:
            statistics.cooldownsStarted[reason, default: 0] += 1
            log(
                .info,
                "account rests",
                LogField("pool", name),
                LogField("account", lease.accountID),
                LogField("model", lease.model),
                LogField("reason", reason.rawValue),
                LogField("request_id", requestID)
            )
        case .disabled:
            statistics.accountsDisabled += 1
            log(
                .warning,
                "account disabled",
                LogField("pool", name),
                LogField("account", lease.accountID),
                LogField("reason", reason.rawValue),
                LogField("request_id", requestID)
            )
        }
    }
}
