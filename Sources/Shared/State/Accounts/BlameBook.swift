/// Which account each request, and each body, has penalised: what Redis knows for all workers, kept by one for the time
/// when Redis cannot be asked.
struct BlameBook {
    private struct Entry {
        let account: String
        let expires: Int
    }

    private var entries: [String: Entry] = [:]
    private static let limit = 10_000

    /// Whether this request, with this body, may penalise the account; if so it can penalise no other one for a while.
    mutating func claim(
        _ account: String,
        request: String,
        digest: String,
        now: Int,
        requestTime: Int,
        digestTime: Int
    ) -> Bool {
        let first = "r:" + request
        let second = "d:" + digest
        for key in [first, second] {
            if let entry = entries[key], entry.expires > now, entry.account != account { return false }
        }
        if entries.count >= Self.limit { makeRoom(now) }
        if !request.isEmpty { note(first, account, now, requestTime) }
        if !digest.isEmpty { note(second, account, now, digestTime) }
        return true
    }

    /// Whether the request or the body has penalised anybody.
    func knows(request: String, digest: String, now: Int) -> Bool {
        ["r:" + request, "d:" + digest].contains { key in
            entries[key].map { $0.expires > now } ?? false
        }
    }

    private mutating func note(_ key: String, _ account: String, _ now: Int, _ time: Int) {
        // Repeating it does not prolong it.
        if let entry = entries[key], entry.expires > now { return }
        entries[key] = Entry(account: account, expires: now + time)
    }

    private mutating func makeRoom(_ now: Int) {
        entries = entries.filter { $0.value.expires > now }
        if entries.count > Self.limit / 2 { entries.removeAll(keepingCapacity: true) }
    }
}
