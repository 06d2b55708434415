import Core
import EventLoop
import Providers
import State

/// Prices of the models in use, looked up once each.
@LoopActor
final class PriceBook {
    var prices: Prices {
        didSet { known.removeAll() }
    }
    /// By provider and model; what has no price is remembered, too.
    private var known: [String: [String: ModelPrice?]] = [:]
    private var count = 0

    /// Clients choose names of models; beyond so many all are looked up anew.
    private static let limit = 1_000

    init(_ prices: Prices) { self.prices = prices }

    /// In billionths of a US dollar; nothing when nobody knows.
    func cost(_ candidate: Candidate, _ usage: TokenUsage) -> Int? {
        let provider = candidate.provider.name
        if let price = known[provider]?[candidate.model] { return price?.cost(of: usage) }
        let price = prices.price(provider: provider, model: candidate.model)
        if count >= Self.limit {
            known.removeAll()
            count = 0
        }
        count += 1
        known[provider, default: [:]][candidate.model] = .some(price)
        return price?.cost(of: usage)
    }
}
