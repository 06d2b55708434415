import Core
import EventLoop
import OpenAIAPI
import Providers
import State

/// Finds out who can serve a model name: the operator's aliases first, then `provider/model`, then names that can only
/// belong to one provider.
@LoopActor
struct ModelRouter {
    private let providers: [any Provider]
    private let pools: [String: AccountPool]
    private let byPrefix: [String: any Provider]
    private let aliases: [String: [[Candidate]]]
    private let engines: EngineDirectory?

    /// Names the operator has given, in order.
    let aliasNames: [String]

    /// `pools` by the name of their provider.
    init(
        providers: [any Provider],
        pools: [String: AccountPool],
        routes: ModelRoutes,
        engines: EngineDirectory? = nil
    ) throws(ModelRoutes.Problem) {
        var byPrefix: [String: any Provider] = [:]
        for provider in providers {
            for prefix in [provider.name] + provider.aliases { byPrefix[prefix] = provider }
        }
        var aliases: [String: [[Candidate]]] = [:]
        for (name, ranks) in routes.ranks {
            var list: [[Candidate]] = []
            for rank in ranks {
                var candidates: [Candidate] = []
                for target in rank {
                    guard let (prefix, model) = Self.split(target.model), let provider = byPrefix[prefix] else {
                        throw ModelRoutes.Problem(
                            message: "MODEL_ROUTES: '\(target.model)' of '\(name)' names no known provider"
                        )
                    }
                    candidates.append(
                        Candidate(
                            provider: provider,
                            model: provider.modelID(model, prefix: prefix),
                            weight: target.weight,
                            pool: Self.pool(of: provider, in: pools)
                        )
                    )
                }
                list.append(candidates)
            }
            aliases[name] = list
        }
        self.providers = providers
        self.pools = pools
        self.engines = engines
        self.byPrefix = byPrefix
        self.aliases = aliases
        aliasNames = aliases.keys.sorted()
    }

    /// Ranks of candidates for `model`, best first; empty where nobody can serve it.
    func candidates(for model: String, hasOwnKey: Bool = false) -> [[Candidate]] {
        // Whoever brings a credential along needs none of the operator's.
        let isUsable = { (provider: any Provider) in isConfigured(provider) || hasOwnKey && provider.web != nil
        }
        if let ranks = aliases[model] { return ranks }
        if let (prefix, name) = Self.split(model), let provider = byPrefix[prefix] {
            return isUsable(provider) ? [[candidate(provider, provider.modelID(name, prefix: prefix))]] : []
        }
        for provider in providers where provider.owns(model) || provider.knownModels.contains(model) {
            if isUsable(provider) { return [[candidate(provider, model)]] }
        }
        // The bare id of a model that some engine serves.
        for provider in providers where provider.hasEndpoints {
            let id = provider.modelID(model, prefix: provider.name)
            if engines?.knows(id) == true { return [[candidate(provider, id)]] }
        }
        return []
    }

    private func candidate(_ provider: any Provider, _ model: String) -> Candidate {
        Candidate(provider: provider, model: model, weight: 1, pool: Self.pool(of: provider, in: pools))
    }

    /// One that can do without accounts uses those it has.
    private static func pool(of provider: any Provider, in pools: [String: AccountPool]) -> AccountPool? {
        guard let pool = pools[provider.name] else { return nil }
        return provider.needsAccount || pool.isConfigured ? pool : nil
    }

    /// The way through the candidates for `model`: ranks one after the other, candidates of one rank drawn by weight.
    func itinerary(
        for model: String,
        _ operation: ModelRequest.Operation = .chat,
        limit: Int,
        hasOwnKey: Bool = false,
        random: inout some RandomNumberGenerator
    ) -> Itinerary? {
        let ranks = candidates(for: model, hasOwnKey: hasOwnKey).map {
            $0.filter { isServed($0) || hasOwnKey && $0.provider.web != nil }
        }.filter { !$0.isEmpty }
        guard !ranks.isEmpty else { return nil }
        var stops: [Itinerary.Stop] = []
        for (place, rank) in ranks.enumerated() {
            var rest = rank
            while !rest.isEmpty {
                let candidate = rest.remove(at: Self.draw(rest, &random))
                for way in ways(candidate, operation) {
                    stops.append(Itinerary.Stop(candidate: way, laterRanks: ranks.count - 1 - place))
                }
            }
        }
        if stops.isEmpty { return nil }
        return Itinerary(stops, limit: limit)
    }

    /// The candidate itself, or the engines that serve it now, best first, and after them the provider's own place if it
    /// has an account there.
    private func ways(_ candidate: Candidate, _ operation: ModelRequest.Operation) -> [Candidate] {
        guard candidate.provider.hasEndpoints else { return [candidate] }
        let task: Engine.Task = operation == .embedding ? .embed : .chat
        var ways: [Candidate] = []
        if let engines {
            for engine in engines.engines(for: candidate.model, task: task) {
                ways.append(
                    Candidate(
                        provider: candidate.provider,
                        model: candidate.model,
                        weight: candidate.weight,
                        pool: nil,
                        seat: EngineSeat(engine, in: engines)
                    )
                )
            }
        }
        if candidate.pool?.isConfigured == true { ways.append(candidate) }
        return ways
    }

    /// Why nobody serves the model now, where somebody will: its engines are loading, full, or have failed.
    func wait(for model: String, _ operation: ModelRequest.Operation) -> GatewayError? {
        let task: Engine.Task = operation == .embedding ? .embed : .chat
        let isKnown = candidates(for: model).joined().contains { candidate in
            candidate.provider.hasEndpoints && engines?.knows(candidate.model, task) == true
        }
        guard isKnown else { return nil }
        var error = GatewayError(
            .upstreamOverloaded,
            "No engine of the model '\(Self.shown(model))' can serve at the moment.",
            source: .upstream
        )
        error.retryAfter = 2
        return error
    }

    /// Public names of the models that engines serve.
    var engineModels: [(name: String, task: Engine.Task)] {
        guard let engines, let provider = providers.first(where: \.hasEndpoints) else { return [] }
        return engines.models.map { ("\(provider.name)/\($0.model)", $0.task) }
    }

    /// Whether the provider can be called at all: it has accounts, or needs none, or somebody serves for it.
    func isConfigured(_ provider: any Provider) -> Bool {
        if provider.hasEndpoints, engines?.isEmpty == false { return true }
        guard provider.needsAccount else { return provider.isConfigured }
        return pools[provider.name]?.isConfigured ?? false
    }

    private func isServed(_ candidate: Candidate) -> Bool { isConfigured(candidate.provider) }

    /// Why a model with this name cannot be served, told so that the client can help itself.
    func unknown(_ model: String, known: [String]) -> GatewayError {
        if let (prefix, _) = Self.split(model), let provider = byPrefix[prefix], !isConfigured(provider) {
            return .invalid(
                "model",
                "The model '\(Self.shown(model))' belongs to the provider '\(provider.name)', which is not configured.",
                code: .modelNotFound
            )
        }
        if aliases[model] != nil {
            return .invalid(
                "model",
                "None of the providers that serve '\(Self.shown(model))' is configured.",
                code: .modelNotFound
            )
        }
        let near = NearNames.nearest(to: model, among: known)
        let hint = near.isEmpty ? "" : " Did you mean \(near.map { "'\($0)'" }.joined(separator: ", "))?"
        return .invalid("model", "The model '\(Self.shown(model))' does not exist.\(hint)", code: .modelNotFound)
    }

    private static func shown(_ model: String) -> String { String(model.prefix(100)) }

    private static func split(_ name: String) -> (prefix: String, model: String)? {
        guard let slash = name.firstIndex(of: "/") else { return nil }
        let model = name[name.index(after: slash)...]
        return model.isEmpty ? nil : (String(name[..<slash]), String(model))
    }

    private static func draw(_ candidates: [Candidate], _ random: inout some RandomNumberGenerator) -> Int {
        guard candidates.count > 1 else { return 0 }
        var mark = Int.random(in: 0..<candidates.reduce(0) { $0 + $1.weight }, using: &random)
        for (place, candidate) in candidates.enumerated() {
            mark -= candidate.weight
            if mark < 0 { return place }
        }
        return candidates.count - 1
    }
}
