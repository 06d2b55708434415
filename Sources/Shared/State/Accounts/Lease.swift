package import Core

/// The right to use an account for one call, until it is reported or expires.
package struct Lease: Sendable {
    package let id: String
    package let account: Account
    package let pool: String
    package let model: String
    /// The account returns after repeated failures, and this call finds out whether it can.
    package let isProbe: Bool
    /// When it was granted, in milliseconds since 1970 on Redis' clock as far as it is known.
    let granted: Int
    /// Whether Redis knows the lease and waits for its end.
    let isScripted: Bool
}

/// How the call a lease was for has ended.
package enum Outcome: Sendable {
    case success
    /// `retryAfter` is in seconds, as the upstream said. The digests of the request's and the answer's body may be empty.
    case failure(
        FailureClass,
        retryAfter: Int? = nil,
        requestID: String,
        requestDigest: String = "",
        evidenceDigest: String = ""
    )
    /// The client left, or the call was never made: it says nothing about the account.
    case abandoned
}

/// What the mirror of a pool says to a request for an account.
package enum Choice: Sendable {
    case lease(Lease)
    /// Only Redis can tell: ask `AccountPool.lease`.
    case ask
    /// Nobody can serve now.
    case none(retryAfter: Int?, reason: GatewayError)
}
