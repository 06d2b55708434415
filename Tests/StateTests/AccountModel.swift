import Core

@testable import State

/// The rules of a pool in plain Swift, looked through from end to end: what the scripts must agree with.
struct AccountModel {
    struct Member {
        var state: AccountState
        /// Leases by their expiry.
        var leases: [String: Int] = [:]
    }

    struct Granted {
        let isProbe: Bool
    }

    let options: AccountPool.Options
    var members: [String: Member] = [:]
    var egressUntil = 0
    private var requests: [String: String] = [:]
    private var bodies: [String: String] = [:]
    private var egressClaims: Set<String> = []

    init(options: AccountPool.Options) { self.options = options }

    /// Whether the account may be leased now, and then whether as a probe.
    func verdict(_ id: String, model: String, excluding: Set<String>, now: Int) -> Granted? {
        guard let member = members[id], member.state.isEnabled, !excluding.contains(id), egressUntil <= now else {
            return nil
        }
        let alive = member.leases.values.count { $0 > now }
        if let limit = member.state.concurrency, alive >= limit { return nil }
        var isProbe = false
        for scope in [Cooldown.Scope.account, .model(model)] {
            guard let cooldown = member.state.cooldowns[scope], cooldown.kept > now else { continue }
            if cooldown.until > now { return nil }
            if let probe = cooldown.probe, (member.leases[probe] ?? 0) > now { return nil }
            isProbe = isProbe || cooldown.needsProbe
        }
        return Granted(isProbe: isProbe)
    }

    func servable(model: String, excluding: Set<String>, now: Int) -> [String] {
        members.keys.filter { verdict($0, model: model, excluding: excluding, now: now) != nil }
    }

    mutating func granted(_ lease: Lease, now: Int) {
        let id = lease.account.id
        members[id]?.leases[lease.id] = now + Int(options.leaseTime.milliseconds)
        for scope in [Cooldown.Scope.account, .model(lease.model)] {
            guard let cooldown = members[id]?.state.cooldowns[scope], cooldown.kept > now, cooldown.needsProbe else {
                continue
            }
            members[id]?.state.cooldowns[scope]?.probe = lease.id
        }
    }

    mutating func renewed(_ lease: Lease, now: Int) {
        guard let expiry = members[lease.account.id]?.leases[lease.id], expiry > now else { return }
        members[lease.account.id]?.leases[lease.id] = now + Int(options.leaseTime.milliseconds)
    }

    mutating func reported(_ lease: Lease, _ outcome: Outcome, now: Int) {
        let id = lease.account.id
        guard var member = members[id] else { return }
        member.leases[lease.id] = nil
        member.state.cooldowns = member.state.cooldowns.filter { $0.value.kept > now }
        switch outcome {
        case .success: member.state.succeeded(lease: lease.id, granted: lease.granted, model: lease.model)
        case .abandoned: member.state.released(lease: lease.id, model: lease.model)
        case .failure(let reason, let retryAfter, let request, let digest, let evidence):
            guard let consequence = options.consequences[reason] else {
                member.state.released(lease: lease.id, model: lease.model)
                break
            }
            if consequence.scope == .egress {
                member.state.released(lease: lease.id, model: lease.model)
                let claims: Set<String> = ["r" + request, "d" + digest]
                if egressClaims.isDisjoint(with: claims) {
                    egressClaims.formUnion(claims)
                    egressUntil = max(egressUntil, now + Int(consequence.first.milliseconds))
                }
                break
            }
            let isFirst = requests[request, default: id] == id && bodies[digest, default: id] == id
            if isFirst {
                requests[request] = id
                bodies[digest] = id
            }
            _ = member.state.failed(
                AccountState.Failure(
                    reason: reason,
                    consequence: consequence,
                    retryAfter: retryAfter,
                    requestID: request,
                    requestDigest: digest,
                    evidenceDigest: evidence
                ),
                lease: lease.id,
                granted: lease.granted,
                model: lease.model,
                isFirst: isFirst,
                now: now,
                options: options
            )
        }
        members[id] = member
    }
}
