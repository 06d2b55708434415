import Core
import EventLoop
import Providers
import State

/// The upstream calls that may still be made for one request: candidate after candidate, of each one's pool one account
/// after the other, within the retry budget. A later rank keeps one call of the budget for itself, however large the
/// pools before it are.
@LoopActor
final class Itinerary {
    /// A candidate, and how many ranks come after its own.
    struct Stop {
        let candidate: Candidate
        let laterRanks: Int
    }

    enum Step {
        case attempt(Attempt)
        /// Only the state knows which account may be used; `ask` finds out.
        case ask
        /// Nothing more can be tried; the error tells why the last pool had no account, if that was the reason.
        case over(GatewayError?)
    }

    private var stops: ArraySlice<Stop>
    private let limit: Int
    private var calls = 0
    /// Calls made when the current rank began: each rank gets one, even where the budget is spent on the ranks before.
    private var callsBefore = 0
    private var rank: Int?
    /// Accounts of the current candidate that have had their call.
    private var tried: Set<String> = []
    private var refusal: GatewayError?
    /// The account that a provider should use while it can.
    var preference: (provider: String, account: String)?
    /// The provider for which the caller has brought a credential along: no account is needed there.
    var ownKeyProvider: String?

    init(_ stops: [Stop], limit: Int) {
        self.stops = stops[...]
        self.limit = limit
    }

    /// The model and the provider that are asked first, for estimates.
    var first: Candidate? { stops.first?.candidate }

    /// The web application that may be asked, whether first or later.
    var web: (any WebProvider)? {
        for stop in stops { if let provider = stop.candidate.provider.web { return provider } }
        return nil
    }

    /// Nothing further shall be tried.
    func end() { stops = [] }

    /// The next call, where it is known without asking the state.
    func next() -> Step {
        while let stop = reachableStop() {
            guard let pool = stop.candidate.pool, stop.candidate.provider.name != ownKeyProvider else {
                calls += 1
                leave()
                stop.candidate.seat?.taken()
                return .attempt(Attempt(candidate: stop.candidate, lease: nil))
            }
            switch pool.choose(model: stop.candidate.model, preferring: preferred(stop), excluding: tried) {
            case .lease(let lease): return .attempt(take(lease, stop.candidate))
            case .ask: return .ask
            case .none(_, let reason): skip(reason)
            }
        }
        return .over(refusal)
    }

    /// Asks the state for the account of the next call, and where it has none goes on to the candidates after it.
    func ask(completion: @escaping @LoopActor (Step) -> Void) {
        guard let stop = reachableStop(), let pool = stop.candidate.pool else { return completion(next()) }
        pool.lease(model: stop.candidate.model, preferring: preferred(stop), excluding: tried) { [self] result in
            switch result {
            case .success(let lease): completion(.attempt(take(lease, stop.candidate)))
            case .failure(let reason):
                skip(reason)
                let step = next()
                if case .ask = step { ask(completion: completion) } else { completion(step) }
            }
        }
    }

    private func preferred(_ stop: Stop) -> String? {
        guard let preference, preference.provider == stop.candidate.provider.name else { return nil }
        return preference.account
    }

    private func take(_ lease: Lease, _ candidate: Candidate) -> Attempt {
        calls += 1
        tried.insert(lease.account.id)
        return Attempt(candidate: candidate, lease: lease)
    }

    /// The first stop that the budget still reaches.
    private func reachableStop() -> Stop? {
        while let stop = stops.first {
            if rank != stop.laterRanks {
                rank = stop.laterRanks
                callsBefore = calls
            }
            if calls < min(limit, max(callsBefore + 1, limit - stop.laterRanks)) { return stop }
            leave()
        }
        return nil
    }

    private func skip(_ reason: GatewayError) {
        // Accounts that all have had their call are no reason of their own: what they answered is.
        if tried.isEmpty { refusal = reason }
        leave()
    }

    private func leave() {
        stops.removeFirst()
        tried.removeAll()
    }
}
