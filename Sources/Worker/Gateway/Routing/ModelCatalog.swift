import Core
import EventLoop
import HTTPCodec
import Providers
import State
import Upstream

/// What models there are: the operator's aliases, what the providers know by themselves, and what their upstreams list.
///
/// No request waits for an upstream's list. One worker asks them all every few minutes and puts the answers into Redis;
/// every worker reads them there, and keeps the last list when an upstream, or Redis, is away. Without Redis each worker
/// asks for itself.
@LoopActor
final class ModelCatalog {
    private static let patience = Duration.seconds(10)
    private static let listLimit = 8 << 20
    private static let longestList = 10_000
    private static let mostPages = 100
    private static let attempts = 5
    private static let pause = Duration.seconds(1)

    private typealias Questioner = (id: String, key: String)

    /// For web applications, whose lists take more than a key.
    var makeDesk: ((any WebProvider, _ account: String, _ key: String) -> any Desk)?
    private let providers: [any Provider]
    /// Changes with the operator's routes.
    var router: ModelRouter
    private let pools: [String: AccountPool]
    private let upstream: UpstreamClient
    private let lists: ModelLists?
    private let log: Log
    private var listed: [String: [ModelEntry]] = [:]
    private var timer: LoopTimer?
    private var isAsking = false
    private var readings = 0
    /// When those whose lists last longer were asked.
    private var askedAt: [String: Instant] = [:]

    init(
        providers: [any Provider],
        pools: [String: AccountPool],
        router: ModelRouter,
        upstream: UpstreamClient,
        lists: ModelLists?,
        log: Log
    ) {
        self.pools = pools
        self.providers = providers
        self.router = router
        self.upstream = upstream
        self.lists = lists
        self.log = log
    }

    /// Begins to keep the lists current.
    func start() {
        timer = LoopTimer { [unowned self] in
            // Ends with what it asks, which has deadlines.
            Task { @LoopActor in await keepCurrent() }
        }
        timer?.schedule(milliseconds: 0)
    }

    func close() {
        timer?.close()
        timer = nil
    }

    private func keepCurrent() async {
        if let lists {
            if let news = try? await lists.news() { listed = news.mapValues(ModelEntry.list) }
        } else {
            await refresh()
        }
        readings += 1
        // What is new elsewhere can wait a little; a cluster that has just begun is still being told.
        timer?.schedule(after: lists == nil ? .seconds(300) : readings < 40 ? .milliseconds(250) : .seconds(5))
    }

    /// Names to compare an unknown one with.
    var knownNames: [String] { entries().map(\.id) }

    /// The entry that a client means by `name`: its own id, or the id of a provider it can only belong to.
    func find(_ name: String, in entries: [ModelEntry]) -> ModelEntry? {
        if let entry = entries.first(where: { $0.id == name }) { return entry }
        guard let candidate = router.candidates(for: name).first?.first else { return nil }
        guard var entry = entries.first(where: { $0.id == candidate.name }) else { return nil }
        entry.id = name
        return entry
    }

    /// What the provider is to be told for a name that it listed as another's.
    func target(of model: String, at provider: any Provider) -> String? {
        let id = "\(provider.name)/\(model)"
        return listed[provider.name]?.first { $0.id == id }?.target
    }

    func entries() -> [ModelEntry] {
        var entries = router.aliasNames.map { ModelEntry(id: $0, owner: "millrace") }
        for provider in providers where router.isConfigured(provider) {
            var ids = Set<String>()
            if provider.hasEndpoints {
                for (name, task) in router.engineModels where ids.insert(name).inserted {
                    var entry = ModelEntry(id: name, owner: provider.name)
                    entry.capabilities = [task == .embed ? "embeddings" : "chat"]
                    entries.append(entry)
                }
            }
            for entry in listed[provider.name] ?? [] where ids.insert(entry.id).inserted { entries.append(entry) }
            for model in provider.knownModels where ids.insert("\(provider.name)/\(model)").inserted {
                entries.append(ModelEntry(id: "\(provider.name)/\(model)", owner: provider.name))
            }
        }
        return entries
    }

    /// Asks every upstream that can be asked, all at once, and shares what they answer.
    func refresh() async {
        guard !isAsking else { return }
        isAsking = true
        defer { isAsking = false }
        var rest = providers.filter { router.isConfigured($0) }
        // A worker that has just begun may not be able to use an account yet; the next round is minutes away.
        for attempt in 0..<Self.attempts where !rest.isEmpty {
            if attempt > 0 { await LoopTimer.wait(Self.pause) }
            let questions = rest.map { provider in
                Task { @LoopActor in await take(provider) }
            }
            var unasked: [any Provider] = []
            for (provider, question) in zip(rest, questions) where await !question.value { unasked.append(provider) }
            rest = unasked
        }
    }

    /// Asks one upstream and shares what it answers; false where nobody could ask.
    private func take(_ provider: any Provider) async -> Bool {
        guard isDue(provider) else { return true }
        guard let account = account(of: provider) else { return false }
        guard let entries = await ask(provider, account) else { return true }
        listed[provider.name] = entries
        do throws(GatewayError) {
            try await lists?.write(ModelEntry.bytes(entries), of: provider.name)
            askedAt[provider.name] = LoopClock.now
        } catch {
            // The others keep what they have; it is asked again the next time.
        }
        return true
    }

    private func isDue(_ provider: any Provider) -> Bool {
        guard let lifetime = provider.listLifetime, let asked = askedAt[provider.name], listed[provider.name] != nil
        else { return true }
        return LoopClock.now >= asked.advanced(by: lifetime)
    }

    private func ask(_ provider: any Provider, _ account: Questioner) async -> [ModelEntry]? {
        guard let request = await question(provider, account) else { return nil }
        do throws(TransferFailure) {
            var next: OutgoingRequest? = request
            var pages: [[UInt8]] = []
            var status = 0
            while let outgoing = next, pages.count < Self.mostPages {
                let (head, body) = try await upstream.fetch(outgoing, limit: Self.listLimit, deadline: Self.patience)
                status = head.status
                guard status == 200 else { break }
                pages.append(body)
                next = provider.modelsRequest(key: account.key, after: pages)
            }
            if status == 200, let models = provider.models(ofPages: pages) {
                return models.prefix(Self.longestList).map { ModelEntry($0, of: provider.name) }
            }
            log(.warning, "model list refused", LogField("provider", provider.name), LogField("status", status))
        } catch {
            log(.warning, "model list not available", LogField("provider", provider.name))
        }
        return nil
    }

    private func question(_ provider: any Provider, _ account: Questioner) async -> OutgoingRequest? {
        guard let web = provider.web, let makeDesk else {
            return provider.modelsRequest(key: account.key)
        }
        return try? await web.modelsRequest(at: makeDesk(web, account.id, account.key))
    }

    /// Whichever account may be used now; what listing the models costs it is not worth counting.
    private func account(of provider: any Provider) -> Questioner? {
        guard provider.needsAccount else { return ("", "") }
        return pools[provider.name]?.someAccount.map { ($0.id, $0.credential) }
    }
}
