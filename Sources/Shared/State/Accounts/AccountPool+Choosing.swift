internal import Core
internal import EventLoop
internal import Redis

/// Deciding in the worker.
extension AccountPool {
    /// Whose turn it is for `model`, decided here and now where that is possible.
    package func choose(
        model: String,
        preferring: String? = nil,
        excluding: Set<String> = []
    ) -> Choice {
        guard let redis else { return decide(model, preferring, excluding, mayAsk: false) }
        if options.use == .scripted { return .ask }
        if !feed.isFilled, redis.isReady { return .ask }
        return decide(model, preferring, excluding, mayAsk: redis.isReady)
    }

    /// Decides from the mirror, whatever its state; `mayAsk` leaves to Redis what only Redis can know. Without that, and
    /// with a Redis that others may be asking, a limit of concurrency is kept by not using its account at all.
    func decide(_ model: String, _ preferring: String?, _ excluding: Set<String>, mayAsk: Bool) -> Choice {
        let now = now
        let counting: AccountMirror.Counting = mayAsk ? .redis : redis == nil ? .here : .nobody
        while true {
            switch mirror.pick(
                model: model,
                preferring: preferring,
                excluding: excluding,
                counting: counting,
                now: now
            ) {
            case .none(let soonest, let reason):
                statistics.leasesRefused += 1
                let error = GatewayError.noAccount(soonest: soonest, reason: reason, now: now)
                return .none(retryAfter: error.retryAfter, reason: error)
            case .unknown:
                statistics.leasesRefused += 1
                let error = GatewayError.uncounted
                return .none(retryAfter: error.retryAfter, reason: error)
            case .account(let slot, let isProbe):
                guard let account = mirror.account(slot), let entry = mirror.entries[slot] else { continue }
                let id = entry.state.id
                if mayAsk, isProbe || entry.state.concurrency != nil {
                    askedFor = id
                    // Others may be probing it: it is asked for once a second, not with every request.
                    if isProbe { mirror.noteAsked(slot, until: now + 1000) }
                    return .ask
                }
                return .lease(grantLocally(account, id, model: model, isProbe: isProbe, now: now))
            }
        }
    }

    private func grantLocally(
        _ account: Lease.Shared,
        _ id: String,
        model: String,
        isProbe: Bool,
        now: Int
    ) -> Lease {
        let lease = Lease(
            id: nextLeaseID(),
            account: account,
            accountID: id,
            pool: name,
            model: model,
            isProbe: isProbe,
            granted: now,
            isScripted: false
        )
        if isProbe {
            let expiry = now + leaseMilliseconds
            mirror.change(id) { state in
                for scope in [Cooldown.Scope.account, .model(model)] where state.cooldowns[scope]?.needsProbe == true {
                    state.cooldowns[scope]?.probe = lease.id
                    state.cooldowns[scope]?.probeUntil = expiry
                }
            }
        }
        mirror.countLease(id, 1)
        statistics.leasesGranted += 1
        statistics.inFlight += 1
        return lease
    }
}

extension GatewayError {
    /// Only Redis knows whether an account has room for one more call. Another provider may not need to know.
    static var uncounted: GatewayError {
        GatewayError(
            .stateUnavailable,
            "The service's state cannot be reached. Please try again.",
            retry: .elsewhere,
            retryAfter: 1,
            cause: "leases cannot be counted"
        )
    }

    /// No account can serve now. Says when one can, and nothing of which.
    static func noAccount(soonest: Int?, reason: FailureClass, now: Int) -> GatewayError {
        let wait = soonest.map { max(1, ($0 - now + 999) / 1000) }
        switch reason {
        case .rateLimited, .quotaExhausted:
            return GatewayError(
                .rateLimitExceeded,
                "The provider's rate limit is reached. Please try again later.",
                source: .upstream,
                retry: .elsewhere,
                retryAfter: wait
            )
        case .none, .credentialsRefused, .modelForbidden, .egressBlocked, .failing:
            return GatewayError(
                .upstreamOverloaded,
                "The provider cannot serve this request at present. Please try again later.",
                source: .upstream,
                retry: .elsewhere,
                retryAfter: wait
            )
        }
    }
}
