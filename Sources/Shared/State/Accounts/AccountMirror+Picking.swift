internal import Core
internal import EventLoop

/// Whose turn it is.
extension AccountMirror {
    enum Pick: Equatable {
        case account(slot: Int, isProbe: Bool)
        /// The time of the first return there will be, and what the account rests for.
        case none(soonest: Int?, reason: FailureClass)
        /// An account could serve, if anybody could say how many calls it has.
        case unknown
    }

    /// Who knows how many calls the accounts have whose concurrency is limited.
    enum Counting {
        /// Redis, which will be asked.
        case redis
        /// This worker, which is the only one.
        case here
        /// Nobody: Redis has the count and cannot be asked, so these accounts are left alone.
        case nobody
    }

    /// Takes the preferred account if it can serve, else the next one.
    func pick(
        model: String,
        preferring: String?,
        excluding: Set<String>,
        counting: Counting,
        now: Int
    ) -> Pick {
        if egressUntil > now { return .none(soonest: egressUntil, reason: egressReason) }
        if let preferring, !excluding.contains(preferring), let slot = slots[preferring],
            let entry = entries[slot], case .serves(let isProbe) = verdict(entry, model: model, now: now),
            hasRoom(entry, counting)
        {
            return .account(slot: slot, isProbe: isProbe)
        }
        let rotation = rotation(for: model)
        var aside: [Int] = []
        var found: Pick?
        var isUncounted = false
        while found == nil, let slot = rotation.first(at: now) {
            guard let entry = entries[slot] else {
                rotation.skip()
                continue
            }
            switch verdict(entry, model: model, now: now) {
            case .out: rotation.skip()
            case .rests(let time): rotation.wait(until: time)
            case .serves(let isProbe):
                let isExcluded = excluding.contains(entry.state.id)
                if isExcluded || !hasRoom(entry, counting) {
                    if !isExcluded, counting == .nobody { isUncounted = true }
                    rotation.skip()
                    aside.append(slot)
                } else {
                    rotation.served(weight: entry.state.weight)
                    found = .account(slot: slot, isProbe: isProbe)
                }
            }
        }
        for slot in aside { rotation.changed(slot) }
        if let found { return found }
        if isUncounted { return .unknown }
        guard let (slot, time) = rotation.soonest else { return .none(soonest: nil, reason: .none) }
        return .none(soonest: time, reason: entries[slot].flatMap { reason($0, model, now) } ?? .none)
    }

    private func hasRoom(_ entry: Entry, _ counting: Counting) -> Bool {
        guard let limit = entry.state.concurrency else { return true }
        switch counting {
        case .redis: return true
        case .here: return entry.inFlight < limit
        case .nobody: return false
        }
    }

    private func reason(_ entry: Entry, _ model: String, _ now: Int) -> FailureClass? {
        let cooldowns = [Cooldown.Scope.account, .model(model)].compactMap { entry.state.cooldowns[$0] }
        return cooldowns.max { ($0.heldUntil(at: now) ?? 0) < ($1.heldUntil(at: now) ?? 0) }?.reason
    }
}
