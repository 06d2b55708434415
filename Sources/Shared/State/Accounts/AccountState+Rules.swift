internal import Core

/// The rules of the report script once more, for a worker that decides by itself: because there is no Redis, because it
/// is away, or because its answer is on the way.
extension AccountState {
    struct Failure {
        let reason: FailureClass
        let consequence: Consequence
        let retryAfter: Int?
        let requestID: String
        let requestDigest: String
        let evidenceDigest: String
    }

    enum Effect {
        case unconfirmed, counted, cooled, disabled

        /// What the script says.
        init(_ text: String?) {
            self =
                switch text {
                case "counted": .counted
                case "cooled": .cooled
                case "disabled": .disabled
                default: .unconfirmed
                }
        }
    }

    /// Whether a success has anything to put right.
    func isHelped(by lease: String, granted: Int, model: String) -> Bool {
        if failures > 0 { return true }
        guard !cooldowns.isEmpty else { return false }
        return [Cooldown.Scope.account, .model(model)].contains { ends($0, lease, granted) }
    }

    /// A call has succeeded that was allowed at `granted`.
    mutating func succeeded(lease: String, granted: Int, model: String) {
        for scope in [Cooldown.Scope.account, .model(model)] where ends(scope, lease, granted) {
            cooldowns[scope] = nil
        }
        guard failures > 0 else { return }
        failures = 0
        streak = 0
        suspicions = [:]
    }

    /// Only what began after the cool-down says that its reason is gone.
    private func ends(_ scope: Cooldown.Scope, _ lease: String, _ granted: Int) -> Bool {
        cooldowns[scope].map { $0.probe == lease || granted >= $0.until } ?? false
    }

    /// A probe has ended without success: the next one may begin.
    mutating func released(lease: String, model: String) {
        for scope in [Cooldown.Scope.account, .model(model)] where cooldowns[scope]?.probe == lease {
            cooldowns[scope]?.probe = nil
        }
    }

    /// A call has failed; `isFirst` says that its request has penalised no other account.
    mutating func failed(
        _ failure: Failure,
        lease: String,
        granted: Int,
        model: String,
        isFirst: Bool,
        now: Int,
        options: AccountPool.Options
    ) -> Effect {
        released(lease: lease, model: model)
        failures += 1
        let scope: Cooldown.Scope = failure.consequence.scope == .model ? .model(model) : .account
        var suspicion = suspicions[failure.reason]
        if let known = suspicion,
            known.time + Int(options.confirmationTime.milliseconds) <= now || known.scope != scope.field
        {
            suspicion = nil
        }
        let isConfirmed =
            suspicion.map { known in
                !failure.requestID.isEmpty && known.requestID != failure.requestID
                    && (failure.requestDigest.isEmpty || known.requestDigest != failure.requestDigest)
            } ?? false
        if suspicion == nil {
            suspicions[failure.reason] = Suspicion(
                scope: scope.field,
                requestID: failure.requestID,
                requestDigest: failure.requestDigest,
                time: now
            )
        }
        guard isFirst || isConfirmed else { return .unconfirmed }
        if failure.consequence.disablesWhenConfirmed, isConfirmed {
            isEnabled = false
            reason = failure.reason.rawValue
            suspicions[failure.reason] = nil
            return .disabled
        }
        if failure.consequence.threshold > 1 {
            streak += 1
            guard streak >= failure.consequence.threshold else { return .counted }
        }
        return cool(scope, failure, granted: granted, now: now, memory: Int(options.memory.milliseconds))
    }

    private mutating func cool(
        _ scope: Cooldown.Scope,
        _ failure: Failure,
        granted: Int,
        now: Int,
        memory: Int
    ) -> Effect {
        let known = cooldowns[scope].flatMap { $0.kept > now ? $0 : nil }
        let fixed = failure.consequence.fixedSpan(retryAfter: failure.retryAfter)
        let isNew = known.map { granted >= $0.until } ?? true
        var repeats = 1
        var until: Int
        if let known, !isNew {
            repeats = known.repeats
            until = now + (fixed ?? failure.consequence.span(repeats: repeats))
            if known.until > now, until <= known.until || (fixed == nil && known.reason == failure.reason) {
                return .counted
            }
        } else {
            if let known, known.reason == failure.reason { repeats = known.repeats + 1 }
            until = now + (fixed ?? failure.consequence.span(repeats: repeats))
        }
        cooldowns[scope] = Cooldown(
            scope: scope,
            until: until,
            began: isNew ? now : known?.began ?? now,
            reason: failure.reason,
            requestID: failure.requestID,
            requestDigest: failure.requestDigest,
            evidenceDigest: failure.evidenceDigest,
            repeats: repeats,
            needsProbe: isNew ? known != nil : known?.needsProbe ?? false,
            kept: until + max(memory, until - now)
        )
        return isNew ? .cooled : .counted
    }
}
