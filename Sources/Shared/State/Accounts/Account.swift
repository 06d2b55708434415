/// One way to be somebody at an upstream: an API key, a cookie, a pair of tokens.
package struct Account: Sendable, Equatable {
    package enum Origin: String, Sendable {
        /// A key given to workers by their environment; it never leaves them.
        case environment
        /// Added at run time, kept sealed in Redis.
        case stored
    }

    package let id: String
    package let pool: String
    package let origin: Origin
    /// For the upstream's eyes only; empty where this worker cannot read it.
    package let credential: String
    /// What people may see of the credential.
    package let maskedCredential: String
    package let note: String
    package let tags: [String]
    /// How often its turn comes, compared with others.
    package let weight: Int
    /// How many leases it may have at once; no number means any.
    package let concurrency: Int?
    package let isEnabled: Bool
    /// `operator`, or the class of the failure that disabled it.
    package let disabledReason: String?
    /// An account from the environment that no worker has any more.
    package let isAbsent: Bool
    /// Milliseconds since 1970, as all times here.
    package let created: Int
    /// Of scripted leases; uses decided from the mirror leave no trace.
    package let lastUsed: Int?
    /// Failures since the last success.
    package let failures: Int
    /// Also those that have ended and are kept in mind.
    package let cooldowns: [Cooldown]
}

/// Printing an account must not print its credential, wherever it happens.
extension Account: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "account \(id) of \(pool)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["id": id, "pool": pool]) }
}

extension Account {
    /// What an administrator changes; what is not named stays.
    package struct Changes: Sendable {
        package var credential: String?
        package var note: String?
        package var tags: [String]?
        package var weight: Int?
        /// `.some(nil)` lifts the limit.
        package var concurrency: Int??

        package init(
            credential: String? = nil,
            note: String? = nil,
            tags: [String]? = nil,
            weight: Int? = nil,
            concurrency: Int?? = nil
        ) {
            self.credential = credential
            self.note = note
            self.tags = tags
            self.weight = weight
            self.concurrency = concurrency
        }
    }

    /// The beginning and the end of long credentials, of which enough stays unknown; nothing of short ones.
    package static func mask(_ credential: String) -> String {
        credential.count < 20 ? "…" : "\(credential.prefix(3))…\(credential.suffix(4))"
    }
}
