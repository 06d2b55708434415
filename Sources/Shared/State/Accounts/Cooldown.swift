package import Core

/// A rest of an account, or of one model on it, with the reason and what is known of its cause.
package struct Cooldown: Sendable, Equatable {
    package enum Scope: Sendable, Hashable {
        case account
        case model(String)
    }

    package let scope: Scope
    /// Milliseconds since 1970, on Redis' clock.
    package internal(set) var until: Int
    package internal(set) var began: Int
    package internal(set) var reason: FailureClass
    /// The request whose failure caused it, the digest of its body and the digest of the upstream's answer.
    package internal(set) var requestID: String
    package internal(set) var requestDigest: String
    package internal(set) var evidenceDigest: String
    /// How often it has happened in a row for this reason.
    package internal(set) var repeats: Int
    /// When it has ended one probe goes first.
    package internal(set) var needsProbe: Bool
    /// The lease of the probe under way.
    var probe: String?
    /// Until when that probe keeps others off, as far as this worker knows.
    var probeUntil = 0
    /// How long it is remembered, so that the next one can be longer.
    var kept: Int

    /// Until when it keeps everybody off; nothing when it does not.
    func heldUntil(at now: Int) -> Int? {
        if until > now { return until }
        return probe != nil && probeUntil > now ? probeUntil : nil
    }
}

extension Cooldown.Scope {
    /// The scope as Redis has it.
    var field: String {
        switch self {
        case .account: "*"
        case .model(let model): "m:" + model
        }
    }

    init?(field: String) {
        if field == "*" {
            self = .account
        } else if field.hasPrefix("m:") {
            self = .model(String(field.dropFirst(2)))
        } else {
            return nil
        }
    }
}
