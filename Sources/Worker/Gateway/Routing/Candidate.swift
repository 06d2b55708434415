import Core
import Crypto
import EventLoop
import Providers
import State

/// One way to serve a model: a provider, its name for the model, and the accounts to do it with.
struct Candidate: Sendable {
    let provider: any Provider
    let model: String
    let weight: Int
    /// Nothing where the provider needs no account.
    let pool: AccountPool?

    /// The engine that serves, where it is one of those that come and go.
    var seat: EngineSeat?

    /// `provider/model`, as the operator writes it.
    var name: String { "\(provider.name)/\(model)" }
}

/// One upstream call that may be made for a request: a candidate with a leased account of its pool.
@LoopActor
struct Attempt {
    let candidate: Candidate
    let lease: Lease?

    var credential: String { lease?.account.credential ?? "" }

    func succeeded() { report(.success) }

    /// The call was not made, or ended in a way that says nothing of the account.
    func abandoned() { report(.abandoned) }

    func failed(_ error: GatewayError, _ requestID: String, body: [UInt8]?) {
        report(outcome(error, requestID, body))
    }

    /// More is known of a failure that was told already.
    func amended(_ error: GatewayError, _ requestID: String, body: [UInt8]?) {
        guard let lease, let pool = candidate.pool else { return }
        pool.amend(lease, outcome(error, requestID, body))
    }

    private func outcome(_ error: GatewayError, _ requestID: String, _ body: [UInt8]?) -> Outcome {
        var failureClass = error.failureClass
        // Whatever else an upstream does wrong counts as failing, unless it was our own patience that ended.
        if failureClass == .none, error.source == .upstream, error.retry == .elsewhere { failureClass = .failing }
        guard failureClass != .none else { return .abandoned }
        return .failure(
            failureClass,
            retryAfter: error.retryAfter,
            requestID: requestID,
            requestDigest: body.map { SHA256Digest(of: $0).hex } ?? "",
            evidenceDigest: error.evidence
        )
    }

    private func report(_ outcome: Outcome) {
        candidate.seat?.report(outcome)
        guard let lease, let pool = candidate.pool else { return }
        pool.report(lease, outcome)
    }
}
