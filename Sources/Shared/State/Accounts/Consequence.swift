package import Core

/// What follows for an account from a failure, in one table for all providers.
///
/// A failure is a new one when its call began after the cool-down that was there before had ended; the spans grow with
/// each new one. What was under way when a cool-down began is the same trouble seen once more: it may lengthen the
/// cool-down when the upstream says so, and never makes it grow. A success ends the series, and so does a peace as long
/// as the cool-down, ten minutes at least.
package struct Consequence: Sendable, Equatable {
    package enum Scope: String, Sendable {
        /// The account for every model.
        case account
        /// The account for the model that was asked for.
        case model
        /// All accounts of the pool: they share the way out.
        case egress
    }

    package var scope: Scope
    package var first: Duration
    /// What the span is multiplied with each time.
    package var growth: Double
    package var longest: Duration
    /// Whether the span the upstream itself names is taken instead, within 1 s and `longest`.
    package var honoursRetryAfter = false
    /// So many failures in a row are needed.
    package var threshold = 1
    /// Whether the second failure, from a different request, disables the account.
    package var disablesWhenConfirmed = false

    package init(scope: Scope, first: Duration, growth: Double = 2, longest: Duration) {
        self.scope = scope
        self.first = first
        self.growth = growth
        self.longest = longest
    }

    /// No entry: no consequence.
    package static let table: [FailureClass: Consequence] = {
        // Upstreams limit by model and account, and mostly say for how long; those that do not count by the minute.
        var rateLimited = Consequence(scope: .model, first: .seconds(20), longest: .seconds(3600))
        rateLimited.honoursRetryAfter = true
        // Money and daily allowances come back when somebody pays or the day ends, whatever the answer says.
        let quotaExhausted = Consequence(scope: .account, first: .seconds(3600), longest: .seconds(86_400))
        // One refusal can be a hiccup of the upstream's own sign-on; two from different requests are an answer.
        var refused = Consequence(scope: .account, first: .seconds(60), longest: .seconds(3600))
        refused.disablesWhenConfirmed = true
        // Models are granted to accounts and taken away, but not by the minute.
        let forbidden = Consequence(scope: .model, first: .seconds(600), longest: .seconds(6 * 3600))
        // An anti-bot page blames the address. Asking again soon makes it worse, another account too.
        let egressBlocked = Consequence(scope: .egress, first: .seconds(30), growth: 1, longest: .seconds(30))
        // A failure or two happen to the best; the next candidate has been tried already. Never for long: where there is
        // one account only, its rest is the end of the service, and the upstream may be back at any moment.
        var failing = Consequence(scope: .account, first: .seconds(5), longest: .seconds(30))
        failing.threshold = 3
        return [
            .rateLimited: rateLimited, .quotaExhausted: quotaExhausted, .credentialsRefused: refused,
            .modelForbidden: forbidden, .egressBlocked: egressBlocked, .failing: failing,
        ]
    }()

    /// The span in milliseconds that the upstream has named, if it counts.
    func fixedSpan(retryAfter: Int?) -> Int? {
        guard honoursRetryAfter, let retryAfter, retryAfter > 0 else { return nil }
        return min(min(retryAfter, 1 << 30) * 1000, Int(longest.milliseconds))
    }

    /// The span in milliseconds when it happens for the `repeats`-th time in a row.
    func span(repeats: Int) -> Int {
        var span = Double(first.milliseconds)
        let most = Double(longest.milliseconds)
        for _ in 1..<max(1, repeats) where span < most { span *= growth }
        return Int(min(span, most))
    }
}
