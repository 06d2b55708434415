import Core
import EventLoop
import HTTPCodec
import JSON
import Providers
import State
import Upstream

/// One line of the model list.
struct ModelEntry: Sendable {
    var id: String
    var created = 0
    var owner: String

    init(id: String, created: Int = 0, owner: String) {
        self.id = id
        self.created = created
        self.owner = owner
    }

    init(_ model: ListedModel, of provider: any Provider) {
        self.init(id: "\(provider.name)/\(model.id)", created: model.created, owner: model.owner ?? provider.name)
    }

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", id)
        writer.member("object", "model")
        writer.member("created", created)
        writer.member("owned_by", owner)
        writer.endObject()
    }
}

/// What models there are: the operator's aliases, what the providers know by themselves, and what their upstreams list.
///
/// A worker asks each upstream when the list is first wanted and again when what it knows has grown old; meanwhile, and
/// when an upstream is away, the last list stands.
@LoopActor
final class ModelCatalog {
    private static let freshFor = Duration.seconds(300)
    private static let patience = Duration.seconds(5)
    private static let listLimit = 8 << 20

    private let providers: [any Provider]
    /// Changes with the operator's routes.
    var router: ModelRouter
    private let pools: [String: AccountPool]
    private let upstream: UpstreamClient
    private let log: Log
    private var listed: [String: [ModelEntry]] = [:]
    private var askedAt: Instant?
    private var refresh: Task<Void, Never>?

    init(
        providers: [any Provider],
        pools: [String: AccountPool],
        router: ModelRouter,
        upstream: UpstreamClient,
        log: Log
    ) {
        self.pools = pools
        self.providers = providers
        self.router = router
        self.upstream = upstream
        self.log = log
    }

    /// Names to compare an unknown one with; asks nobody.
    var knownNames: [String] { assemble().map(\.id) }

    func entries() async -> [ModelEntry] {
        if askedAt.map({ LoopClock.now >= $0.advanced(by: Self.freshFor) }) ?? true {
            if refresh == nil {
                // Owned by the catalogue; ends with the patience for the slowest upstream.
                refresh = Task { @LoopActor in
                    await ask()
                    refresh = nil
                }
            }
            // Only the first list is worth waiting for.
            if askedAt == nil { await refresh?.value }
        }
        return assemble()
    }

    /// The entry that a client means by `name`: its own id, or the id of a provider it can only belong to.
    func find(_ name: String, in entries: [ModelEntry]) -> ModelEntry? {
        if let entry = entries.first(where: { $0.id == name }) { return entry }
        guard let candidate = router.candidates(for: name).first?.first else { return nil }
        guard var entry = entries.first(where: { $0.id == candidate.name }) else { return nil }
        entry.id = name
        return entry
    }

    private func assemble() -> [ModelEntry] {
        var entries = router.aliasNames.map { ModelEntry(id: $0, owner: "millrace") }
        for provider in providers where router.isConfigured(provider) {
            var ids = Set<String>()
            for entry in listed[provider.name] ?? [] where ids.insert(entry.id).inserted { entries.append(entry) }
            for model in provider.knownModels where ids.insert("\(provider.name)/\(model)").inserted {
                entries.append(ModelEntry(id: "\(provider.name)/\(model)", owner: provider.name))
            }
        }
        return entries
    }

    private func ask() async {
        for provider in providers {
            guard router.isConfigured(provider) else { continue }
            guard let key = await credential(of: provider) else { continue }
            guard let request = provider.modelsRequest(key: key) else { continue }
            do throws(TransferFailure) {
                let (head, body) = try await upstream.fetch(request, limit: Self.listLimit, deadline: Self.patience)
                guard head.status == 200, let models = provider.models(body) else { continue }
                listed[provider.name] = models.prefix(10_000).map { ModelEntry($0, of: provider) }
            } catch {
                log(.warning, "model list not available", LogField("provider", provider.name))
            }
        }
        askedAt = LoopClock.now
    }

    /// The credential of whichever account may be used now; what listing the models costs it is not worth counting.
    private func credential(of provider: any Provider) async -> String? {
        guard provider.needsAccount else { return "" }
        guard let pool = pools[provider.name] else { return nil }
        switch pool.choose(model: "", preferring: nil, excluding: []) {
        case .lease(let lease): return use(lease, of: pool)
        case .ask:
            guard let lease = try? await pool.lease(model: "", preferring: nil, excluding: []) else { return nil }
            return use(lease, of: pool)
        case .none: return nil
        }
    }

    private func use(_ lease: Lease, of pool: AccountPool) -> String {
        pool.report(lease, .abandoned)
        return lease.account.credential
    }

}
