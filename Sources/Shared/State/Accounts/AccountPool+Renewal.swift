internal import Core
internal import EventLoop
internal import Redis

/// Leases of long calls hold as long as their worker lives.
extension AccountPool {
    /// Moves the expiry of one lease; the pool does so by itself for all it has granted.
    package func renew(_ lease: Lease) {
        guard openLeases[lease.id] != nil else { return }
        renew([(lease.id, lease.accountID)])
    }

    func renewAll() {
        guard !isClosed else { return }
        renewalTimer?.schedule(after: options.leaseTime / 3)
        let longest = Int(options.longestLease.milliseconds)
        let now = now
        var batch: [(String, String)] = []
        for (id, lease) in openLeases {
            guard now - lease.granted < longest else { continue }
            batch.append((id, lease.account))
            if batch.count == 256 {
                renew(batch)
                batch.removeAll(keepingCapacity: true)
            }
        }
        if !batch.isEmpty { renew(batch) }
    }

    private func renew(_ leases: [(id: String, account: String)]) {
        redis?.evaluate(
            StateScripts.renewLeases,
            keys: leases.map { keys.leases($0.account) },
            arguments: [.integer(leaseMilliseconds)] + leases.map { .text($0.id) }
        ) { _ in
            // Until it expires there are two more attempts; then the account is free for others, as it must be.
        }
    }
}
