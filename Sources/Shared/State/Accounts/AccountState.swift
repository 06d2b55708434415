internal import Core

/// What a worker knows of an account: the fields Redis has, the credential as it is stored.
struct AccountState: Sendable, Equatable {
    /// A failure that has not been confirmed by another request.
    struct Suspicion: Sendable, Equatable {
        var scope: String
        var requestID: String
        var requestDigest: String
        var time: Int
    }

    let id: String
    /// The pool's version when the account changed last.
    var version = 0
    var origin: Account.Origin
    var isEnabled = true
    var isAbsent = false
    var reason: String?
    var weight = 1
    var concurrency: Int?
    var note = ""
    var tags: [String] = []
    var maskedCredential = ""
    /// Empty for accounts from the environment.
    var sealedCredential = ""
    var created = 0
    var lastUsed: Int?
    var failures = 0
    /// Failures in a row that count toward the threshold of their class.
    var streak = 0
    var cooldowns: [Cooldown.Scope: Cooldown] = [:]
    var suspicions: [FailureClass: Suspicion] = [:]

    init(id: String, origin: Account.Origin) {
        self.id = id
        self.origin = origin
    }
}

extension Account {
    init(_ state: AccountState, pool: String, credential: String) {
        self.init(
            id: state.id,
            pool: pool,
            origin: state.origin,
            credential: credential,
            maskedCredential: state.maskedCredential,
            note: state.note,
            tags: state.tags,
            weight: state.weight,
            concurrency: state.concurrency,
            isEnabled: state.isEnabled,
            disabledReason: state.reason,
            isAbsent: state.isAbsent,
            created: state.created,
            lastUsed: state.lastUsed,
            failures: state.failures,
            cooldowns: state.cooldowns.values.sorted { $0.scope.field < $1.scope.field }
        )
    }
}
