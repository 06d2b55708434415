package import Core

/// How accounts stand, for those who use one without leasing it.
extension AccountPool {
    package enum Standing: Sendable, Equatable {
        case healthy
        /// It will be back.
        case resting
        /// Disabled, removed, or of an environment that no worker has any more.
        case gone
        /// It is there, but this worker cannot use it.
        case elsewhere
    }

    /// As the cluster knows the account, where this worker's own knowledge would say it is gone.
    package func standing(of id: String) async throws(GatewayError) -> Standing {
        if let entry = mirror.entry(id), entry.isOurs, entry.state.isEnabled, credential(of: id) != nil {
            return isResting(entry.state) ? .resting : .healthy
        }
        guard let account = try await account(id), account.isEnabled, !account.isAbsent else { return .gone }
        return .elsewhere
    }

    /// The accounts that could be used now, or where there are none those that could be used later.
    package var usable: [String] {
        let usable = mirror.entries.compactMap { $0 }.filter {
            $0.isOurs && $0.state.isEnabled && !$0.isUnreadable && !$0.state.isAbsent
        }
        let rested = usable.filter { !isResting($0.state) }
        return (rested.isEmpty ? usable : rested).map(\.state.id).sorted()
    }

    private func isResting(_ state: AccountState) -> Bool {
        state.cooldowns[.account].map { $0.until > now } ?? false
    }
}

extension AccountPool {
    /// The right to one call with this very account, or why there is none now.
    package func lease(of id: String, model: String) async throws(GatewayError) -> Lease {
        var others = Set(mirror.slots.keys)
        others.remove(id)
        switch choose(model: model, preferring: id, excluding: others) {
        case .lease(let lease): return lease
        case .none(_, let reason): throw reason
        case .ask: break
        }
        let lease = try await lease(model: model, preferring: id, excluding: others)
        // An account that came this moment is none of the others yet.
        guard lease.account.id == id else {
            report(lease, .abandoned)
            throw GatewayError(.upstreamOverloaded, "The account is busy. Please try again.", retryAfter: 1)
        }
        return lease
    }
}
