extension AccountPool {
    /// How many accounts are in which state, as this worker sees the pool: `ready`, `cooling`, `disabled`, `absent`.
    package var counts: [String: Int] {
        let now = now
        var counts = ["ready": 0, "cooling": 0, "disabled": 0, "absent": 0]
        for case let entry? in mirror.entries {
            let state = entry.state
            let name =
                if !state.isEnabled {
                    "disabled"
                } else if state.isAbsent {
                    "absent"
                } else {
                    state.cooldowns[.account].map { $0.until > now } ?? false ? "cooling" : "ready"
                }
            counts[name, default: 0] += 1
        }
        return counts
    }
}

extension AccountPool {
    /// An account that may be used now, without taking it: for questions that it need not be free for.
    package var someAccount: (id: String, credential: String)? {
        let now = now
        for case let entry? in mirror.entries where entry.state.isEnabled && !entry.state.isAbsent {
            if let cooldown = entry.state.cooldowns[.account], cooldown.until > now { continue }
            if let credential = mirror.credential(of: entry.state) { return (entry.state.id, credential) }
        }
        // The cluster may not have told of any yet.
        guard mirror.entries.isEmpty else { return nil }
        return mirror.environment.min { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// An account's credential, even while it rests; nothing where this worker has no such account or cannot read it.
    package func credential(of id: String) -> String? {
        mirror.entry(id).flatMap { mirror.credential(of: $0.state) }
    }
}
