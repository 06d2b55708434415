/// What a failed upstream call says about the account it was made with. Providers name the class, from the evidence in
/// the answer; what follows for the account is decided in one table of the state, for all of them.
package enum FailureClass: String, Sendable, CaseIterable {
    /// Nothing: the client's own mistake, a refusal of its content, a client that left.
    case none
    /// Too many requests for one model: this model on this account rests.
    case rateLimited = "rate_limited"
    /// Nothing left to spend: the whole account rests, for long.
    case quotaExhausted = "quota_exhausted"
    /// The account is not accepted: refreshed where that is possible, else disabled.
    case credentialsRefused = "credentials_refused"
    /// The account may not use this model.
    case modelForbidden = "model_forbidden"
    /// An anti-bot page or a network in between: not the account's fault, the way out rests for a moment.
    case egressBlocked = "egress_blocked"
    /// The upstream fails or cannot be reached: the account rests for a moment when it happens again.
    case failing
}
