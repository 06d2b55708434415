package import Core

/// The right to use an account for one call, until it is reported or expires.
package struct Lease: Sendable {
    package let id: String
    package let pool: String
    package let model: String
    /// The account returns after repeated failures, and this call finds out whether it can.
    package let isProbe: Bool
    /// When it was granted, in milliseconds since 1970 on Redis' clock as far as it is known.
    let granted: Int
    /// Whether Redis knows the lease and waits for its end.
    let isScripted: Bool
    let accountID: String
    private let shared: Shared

    /// All that is known of an account, made once and shared by its leases: copying it would cost more than the choice.
    final class Shared: Sendable {
        let account: Account

        init(_ account: Account) { self.account = account }
    }

    package var account: Account { shared.account }

    /// The same right under another name, for a report of its own.
    var again: Lease {
        Lease(
            id: id + "+",
            account: shared,
            accountID: accountID,
            pool: pool,
            model: model,
            isProbe: isProbe,
            granted: granted,
            isScripted: isScripted
        )
    }

    init(
        id: String,
        account: Shared,
        accountID: String,
        pool: String,
        model: String,
        isProbe: Bool,
        granted: Int,
        isScripted: Bool
    ) {
        self.id = id
        self.shared = account
        self.accountID = accountID
        self.pool = pool
        self.model = model
        self.isProbe = isProbe
        self.granted = granted
        self.isScripted = isScripted
    }
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
