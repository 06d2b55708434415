internal import Core
internal import EventLoop
internal import Redis

/// Open charges keep their lease: one timer for all of them, one script a key.
extension RateLimits {
    private static let renewalLimit = 500

    func renew() {
        let now = LoopClock.turn
        released = released.filter { now < $0.value.since.advanced(by: options.longestCharge) && !isOld($0.value, now) }
        var old: [ObjectIdentifier: [OpenCharge]] = [:]
        for entry in open.values where isOld(entry, now) {
            if entry.since.advanced(by: options.longestCharge) < now {
                log(.error, "a charge was never settled", LogField("charge", entry.charge.id))
                open[entry.charge.id] = nil
                entry.key.openCount -= 1
            } else {
                old[ObjectIdentifier(entry.key), default: []].append(entry)
            }
        }
        for entries in old.values {
            for start in stride(from: 0, to: entries.count, by: Self.renewalLimit) {
                renew(entries[start..<min(entries.count, start + Self.renewalLimit)])
            }
        }
        renewLater()
    }

    /// Young leases last until the next time: most requests end without ever being renewed.
    private func isOld(_ entry: OpenCharge, _ now: Instant) -> Bool {
        entry.since.advanced(by: options.lease / 3) <= now
    }

    private func renew(_ entries: ArraySlice<OpenCharge>) {
        guard let key = entries.first?.key else { return }
        redis.evaluate(
            StateScripts.renewLimits,
            keys: key.keys,
            arguments: [.integer(leaseMilliseconds)] + entries.map { .text($0.charge.id) }
        ) { [self] result in
            // Nothing is lost by a failure: the next renewal comes before the lease ends, or puts things right.
            guard case .success(let reply) = result else { return }
            for place in reply.elements {
                guard let place = place.int, place >= 1, place <= entries.count else { continue }
                restore(entries[entries.startIndex + place - 1])
            }
        }
    }

    /// Reserves again what Redis does not know: its lease ended during a pause, it was admitted without Redis, or Redis
    /// has lost it. The request runs, so limits are not asked.
    private func restore(_ entry: OpenCharge) {
        let id = entry.charge.id
        guard open[id] != nil else { return }
        redis.evaluate(
            StateScripts.reserveLimits,
            keys: entry.key.keys,
            arguments: reservation(of: CollectionOfOne(entry.charge), entry.limits, isForced: true)
        ) { [self] result in
            if case .success = result { open[id]?.isLocal = false }
        }
    }
}
