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
    /// An account's credential, even while it rests; nothing where this worker has no such account or cannot read it.
    package func credential(of id: String) -> String? {
        mirror.entry(id).flatMap { mirror.credential(of: $0.state) }
    }
}
