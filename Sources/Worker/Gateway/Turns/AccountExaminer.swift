package import Core
package import EventLoop
import HTTPCodec
package import Providers
package import State
package import Upstream

/// Finds out whether accounts work: a web application's by what its provider knows to ask, an API's by asking for its models.
@LoopActor
package final class AccountExaminer {
    private static let patience = Duration.seconds(90)
    /// For one question to an API.
    private static let callPatience = Duration.seconds(30)
    private static let listLimit = 8 << 20

    private let providers: [any Provider]
    private let pools: [String: AccountPool]
    private let upstream: UpstreamClient
    private let nonces: NonceLedger?
    private let facts: AccountFacts?

    package init(
        providers: [any Provider],
        pools: [String: AccountPool],
        upstream: UpstreamClient,
        nonces: NonceLedger?,
        facts: AccountFacts?
    ) {
        self.providers = providers
        self.pools = pools
        self.upstream = upstream
        self.nonces = nonces
        self.facts = facts
    }

    /// Fails where the upstream's answer says nothing of the account.
    package func examine(_ account: Account) async throws(GatewayError) -> Examination {
        guard let provider = providers.first(where: { $0.name == account.pool }) else {
            throw .invalid(nil, "There is no provider of this name.", code: .notFound)
        }
        guard !account.credential.isEmpty else {
            throw GatewayError(.conflict, "The account's credential cannot be read here.", source: .client)
        }
        guard let provider = provider.web else { return try await ask(provider, account) }
        let desk = TurnDesk(
            provider: provider.name,
            account: account.id,
            key: account.credential,
            until: LoopClock.now.advanced(by: Self.patience),
            TurnDesk.Services(upstream: upstream, nonces: nonces, facts: facts, pool: pools[provider.name])
        )
        let findings = try await provider.examine(at: desk)
        return Examination(
            at: WallClock.seconds(),
            works: findings.works,
            plan: findings.plan,
            note: findings.note,
            quotas: findings.quotas.map {
                Examination.Quota(model: $0.model, remaining: $0.remaining, total: $0.total, wait: $0.wait)
            }
        )
    }

    private func ask(_ provider: any Provider, _ account: Account) async throws(GatewayError) -> Examination {
        guard let request = provider.modelsRequest(key: account.credential) else {
            throw .invalid(nil, "Accounts of this provider cannot be tested.", code: .notImplemented)
        }
        let head: UpstreamHead
        let body: [UInt8]
        do throws(TransferFailure) {
            (head, body) = try await upstream.fetch(request, limit: Self.listLimit, deadline: Self.callPatience)
        } catch {
            throw GatewayError(error)
        }
        if (200..<300).contains(head.status) { return Examination(at: WallClock.seconds(), works: true) }
        let error = provider.failure(head, body)
        switch error.failureClass {
        case .credentialsRefused, .quotaExhausted, .rateLimited, .modelForbidden:
            return Examination(at: WallClock.seconds(), works: false, note: error.message)
        case .none, .egressBlocked, .failing: throw error
        }
    }
}
