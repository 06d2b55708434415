import Core
import Providers

/// Finds out who can serve a model name: the operator's aliases first, then `provider/model`, then names that can only
/// belong to one provider.
struct ModelRouter: Sendable {
    private let providers: [any Provider]
    private let byPrefix: [String: any Provider]
    private let aliases: [String: [[Candidate]]]

    /// Names the operator has given, in order.
    let aliasNames: [String]

    init(providers: [any Provider], routes: ModelRoutes) throws(ModelRoutes.Problem) {
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
                    candidates.append(Candidate(provider: provider, model: model, weight: target.weight))
                }
                list.append(candidates)
            }
            aliases[name] = list
        }
        self.providers = providers
        self.byPrefix = byPrefix
        self.aliases = aliases
        aliasNames = aliases.keys.sorted()
    }

    /// Ranks of candidates for `model`, best first; empty where nobody can serve it.
    func candidates(for model: String) -> [[Candidate]] {
        if let ranks = aliases[model] { return ranks }
        if let (prefix, name) = Self.split(model), let provider = byPrefix[prefix] {
            return provider.keys.isEmpty ? [] : [[Candidate(provider: provider, model: name, weight: 1)]]
        }
        for provider in providers where !provider.keys.isEmpty {
            if provider.owns(model) || provider.knownModels.contains(model) {
                return [[Candidate(provider: provider, model: model, weight: 1)]]
            }
        }
        return []
    }

    /// The calls to make for `model`, in order: ranks one after the other, candidates of one rank drawn by weight, the
    /// accounts of a pool in turn, from the one on that `turn` points at. A later rank keeps one call of the limit for
    /// itself, however large the pools before it are.
    func attempts(
        for model: String,
        limit: Int,
        turn: Int,
        random: inout some RandomNumberGenerator
    ) -> [Attempt] {
        let ranks = candidates(for: model).map { rank in rank.filter { !$0.provider.keys.isEmpty } }
        var later = ranks.count { !$0.isEmpty }
        var attempts: [Attempt] = []
        for rank in ranks where !rank.isEmpty {
            later -= 1
            let room = max(attempts.count + 1, limit - later)
            var rest = rank
            while !rest.isEmpty, attempts.count < min(room, limit) {
                let candidate = rest.remove(at: Self.draw(rest, &random))
                let keys = candidate.provider.keys
                let first = turn % keys.count
                for place in 0..<keys.count where attempts.count < min(room, limit) {
                    attempts.append(Attempt(candidate: candidate, key: keys[(first + place) % keys.count]))
                }
            }
        }
        return attempts
    }

    /// Why a model with this name cannot be served, told so that the client can help itself.
    func unknown(_ model: String, known: [String]) -> GatewayError {
        if let (prefix, _) = Self.split(model), let provider = byPrefix[prefix], provider.keys.isEmpty {
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
