internal import Core
internal import EventLoop

/// A worker's own copy of a pool, which decides whose turn it is without asking anybody.
///
/// It is fed with states of accounts as Redis tells them, and with the consequences of the worker's own calls at once.
@LoopActor
final class AccountMirror {
    /// A class, so that looking at an account does not copy all that is known of it.
    final class Entry {
        var state: AccountState
        /// Keys of other workers' environments are known and of no use here.
        var isOurs: Bool
        /// Made when first needed, since opening a credential costs more than leasing it; dropped with each change.
        var account: Lease.Shared?
        /// The credential cannot be read here: it was sealed under a secret this worker does not have.
        var isUnreadable = false
        /// Leases of this worker.
        var inFlight = 0
        /// A probe is due and Redis was asked for it lately; it may be under way elsewhere.
        var asked = 0

        init(_ state: AccountState, isOurs: Bool) {
            self.state = state
            self.isOurs = isOurs
        }
    }

    enum Verdict: Equatable {
        case serves(asProbe: Bool)
        case rests(until: Int)
        case out
    }

    let pool: String
    /// The worker's own credentials by account.
    let environment: [String: String]
    private let vault: Vault?
    private let log: Log
    private(set) var entries: [Entry?] = []
    private(set) var slots: [String: Int] = [:]
    private var freeSlots: [Int] = []
    /// Each model some account has a cool-down for has a rotation of its own; all others share the one named "".
    private var rotations: [String: Rotation] = [:]
    private var cooldownCounts: [String: Int] = [:]
    var egressUntil = 0
    var egressReason = FailureClass.egressBlocked

    private static let rotationLimit = 64

    init(pool: String, environment: [String: String], vault: Vault?, log: Log) {
        self.pool = pool
        self.environment = environment
        self.vault = vault
        self.log = log
    }

    /// Accounts this worker could use, whatever their state.
    var hasAny: Bool { entries.contains { $0?.isOurs ?? false } }

    /// Accounts this worker can use, now or when they have rested.
    var hasEnabled: Bool {
        entries.contains { $0.map { $0.isOurs && $0.state.isEnabled && !$0.isUnreadable } ?? false }
    }

    func entry(_ id: String) -> Entry? { slots[id].flatMap { entries[$0] } }

    /// Takes over what is known of an account.
    func set(_ state: AccountState) {
        if let slot = slots[state.id], let entry = entries[slot] {
            count(entry.state, -1)
            if entry.state.sealedCredential != state.sealedCredential { entry.isUnreadable = false }
            entry.state = state
            entry.isOurs = isOurs(state)
            entry.account = nil
        } else {
            let slot = freeSlots.popLast() ?? entries.count
            if slot == entries.count { entries.append(nil) }
            slots[state.id] = slot
            entries[slot] = Entry(state, isOurs: isOurs(state))
        }
        count(state, 1)
        guard let slot = slots[state.id] else { return }
        for rotation in rotations.values { rotation.changed(slot) }
    }

    func remove(_ id: String) {
        guard let slot = slots.removeValue(forKey: id) else { return }
        if let entry = entries[slot] { count(entry.state, -1) }
        entries[slot] = nil
        freeSlots.append(slot)
    }

    /// Changes an account that is known.
    func change(_ id: String, _ body: (inout AccountState) -> Void) {
        guard var state = entry(id)?.state else { return }
        body(&state)
        set(state)
    }

    func countLease(_ id: String, _ difference: Int) {
        guard let entry = entry(id) else { return }
        entry.inFlight = max(0, entry.inFlight + difference)
    }

    func noteAsked(_ slot: Int, until time: Int) { entries[slot]?.asked = time }

    /// The account with its credential; nothing when this worker cannot read it, which it then never tries again.
    func account(_ slot: Int) -> Lease.Shared? {
        guard let entry = entries[slot] else { return nil }
        if let account = entry.account { return account }
        guard let credential = credential(of: entry.state) else {
            entry.isUnreadable = true
            return nil
        }
        let account = Lease.Shared(Account(entry.state, pool: pool, credential: credential))
        entry.account = account
        return account
    }

    func credential(of state: AccountState) -> String? {
        if let own = environment[state.id] { return own }
        guard let vault, !state.sealedCredential.isEmpty else { return nil }
        do throws(VaultError) {
            return try vault.open(state.sealedCredential, context: Self.context(pool, state.id)).plain
        } catch {
            log(.error, "credential cannot be read", LogField("pool", pool), LogField("account", state.id))
            return nil
        }
    }

    /// What binds a sealed credential to its place.
    static func context(_ pool: String, _ id: String) -> String { "\(pool)/\(id)" }

    func verdict(_ entry: Entry, model: String, now: Int) -> Verdict {
        guard entry.state.isEnabled, !entry.isUnreadable, entry.isOurs else { return .out }
        guard !entry.state.cooldowns.isEmpty else { return .serves(asProbe: false) }
        var needsProbe = false
        var until = 0
        for scope in [Cooldown.Scope.account, .model(model)] {
            guard let cooldown = entry.state.cooldowns[scope], cooldown.kept > now else { continue }
            until = max(until, cooldown.heldUntil(at: now) ?? 0)
            needsProbe = needsProbe || cooldown.needsProbe
        }
        if until > now { return .rests(until: until) }
        if needsProbe, entry.asked > now { return .rests(until: entry.asked) }
        return .serves(asProbe: needsProbe)
    }

    /// The rotation in which the model's turns are taken.
    func rotation(for model: String) -> Rotation {
        let name = (cooldownCounts[model] ?? 0) > 0 ? model : ""
        if let rotation = rotations[name] { return rotation }
        if rotations.count >= Self.rotationLimit { rotations.removeAll() }
        let rotation = Rotation()
        for slot in entries.indices where entries[slot] != nil { rotation.changed(slot) }
        rotations[name] = rotation
        return rotation
    }

    private func isOurs(_ state: AccountState) -> Bool {
        environment[state.id] != nil || !state.sealedCredential.isEmpty
    }

    private func count(_ state: AccountState, _ difference: Int) {
        for scope in state.cooldowns.keys {
            guard case .model(let model) = scope else { continue }
            let count = (cooldownCounts[model] ?? 0) + difference
            cooldownCounts[model] = count > 0 ? count : nil
            if count <= 0 { rotations[model] = nil }
        }
    }
}
