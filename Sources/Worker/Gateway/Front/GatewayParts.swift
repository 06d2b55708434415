package import Admin
package import Core
package import EventLoop
package import Providers
package import State
package import Upstream

/// What a worker gives its gateway.
@LoopActor
package struct GatewayParts {
    package var configuration: Configuration
    package var providers: [any Provider]
    package var routes = ModelRoutes()
    package var upstream: UpstreamClient
    package var log: Log
    /// The accounts of each provider, by its name.
    package var pools: [String: AccountPool] = [:]
    /// Prices of models, for budgets and the ledger.
    package var prices: Prices
    /// Without what the cluster shares there is the master key alone, and nothing is limited or written down.
    package var keyRing: KeyRing?
    package var rateLimits: RateLimits?
    package var ledger: Ledger?
    package var reasoning: ReasoningStore?
    package var responses: ResponseStore?
    /// What web applications need of the cluster.
    package var conversations: ConversationStore?
    package var nonces: NonceLedger?
    package var facts: AccountFacts?
    package var files: FileLedger?
    package var seeds: SeedStore?
    package var engines: EngineDirectory?
    package var modelLists: ModelLists?
    /// What fetches the addresses that clients name: it must not reach anything but the public network.
    package var strangers: UpstreamClient?
    package var admin: AdminService?
    /// Tells this worker's figures from those of the others.
    package var workerID: String?
    /// What the other living workers have published of their figures.
    package var snapshots: @LoopActor () async -> [[UInt8]] = { [] }
    package var isStateReachable: @LoopActor () -> Bool = { true }

    package init(
        configuration: Configuration,
        providers: [any Provider],
        upstream: UpstreamClient,
        prices: Prices,
        log: Log
    ) {
        self.configuration = configuration
        self.providers = providers
        self.upstream = upstream
        self.prices = prices
        self.log = log
    }
}
