import Core
import Crypto
import EventLoop
import HTTPCodec
import Providers
import State
import Upstream

/// Does for one turn what its provider cannot do itself: calls, nonces, what the cluster remembers. What it does ends when
/// the turn is given up.
@LoopActor
final class TurnDesk: Desk {
    struct Services {
        let upstream: UpstreamClient
        let nonces: NonceLedger?
        let facts: AccountFacts?
        /// Of the provider.
        let pool: AccountPool?
    }

    /// The largest answer that is taken.
    private static let bodyLimit = 16 << 20
    /// How long a call may take, whatever time the whole turn has.
    private static let patience = Duration.seconds(60)

    nonisolated let account: String
    nonisolated let key: String
    nonisolated var now: Int { WallClock.seconds() }
    private let provider: String
    private let services: Services
    private let deadline: Instant
    private var isClosed = false
    private var call: Task<Void, Never>?
    private(set) var calls = 0

    init(provider: String, account: String, key: String, until deadline: Instant, _ services: Services) {
        self.provider = provider
        self.account = account
        self.key = key
        self.deadline = deadline
        self.services = services
    }

    /// Nobody waits for the turn any more.
    nonisolated static func name(ofOwn key: String) -> String { "own-\(SHA256Digest(of: key).hex.prefix(32))" }

    func close() {
        isClosed = true
        call?.cancel()
    }

    @LoopActor func ask(_ request: OutgoingRequest) async throws(GatewayError) -> DeskAnswer {
        try check()
        calls += 1
        var result: Result<(UpstreamHead, [UInt8]), TransferFailure>?
        let left = min(.milliseconds(Int(deadline.milliseconds(since: LoopClock.now))), Self.patience)
        let task = Task.immediate { @LoopActor [services] in
            do throws(TransferFailure) {
                result = .success(try await services.upstream.fetch(request, limit: Self.bodyLimit, deadline: left))
            } catch {
                result = .failure(error)
            }
        }
        call = task
        await task.value
        call = nil
        try check()
        switch result {
        case .success(let answer): return DeskAnswer(answer)
        case .failure(let failure): throw GatewayError(failure)
        case nil: throw GatewayError(.internalError, "A call has no outcome.")
        }
    }

    @LoopActor func seeThrough(_ request: OutgoingRequest) async throws(GatewayError) -> DeskAnswer {
        try check()
        calls += 1
        do throws(TransferFailure) {
            let answer = try await services.upstream.fetch(request, limit: Self.bodyLimit, deadline: Self.patience)
            return DeskAnswer(answer)
        } catch {
            throw GatewayError(error)
        }
    }

    @LoopActor func claimNonce(for device: String) async throws(GatewayError) -> String {
        guard let nonces = services.nonces else { throw .noState }
        return try await nonces.claim(
            scope: "\(provider):\(SHA256Digest(of: device).hex.prefix(32))",
            ttl: .seconds(3600)
        )
    }

    nonisolated func random(_ count: Int) throws(GatewayError) -> [UInt8] {
        do throws(CryptoError) {
            return try SecureRandom.bytes(count)
        } catch {
            throw GatewayError(.internalError, "No random bytes can be had.")
        }
    }

    @LoopActor func key(of account: String) async -> String? { services.pool?.credential(of: account) }

    @LoopActor func recall(_ name: String) async throws(GatewayError) -> [UInt8]? {
        guard let facts = services.facts else { return nil }
        return try await facts.recall(name, pool: provider, account: account)
    }

    @LoopActor func remember(_ name: String, _ value: [UInt8], for seconds: Int) async throws(GatewayError) {
        guard let facts = services.facts else { throw .noState }
        try await facts.remember(name, value, for: seconds, pool: provider, account: account)
    }

    @LoopActor func forget(_ name: String) async throws(GatewayError) {
        try await services.facts?.forget(name, pool: provider, account: account)
    }

    @LoopActor func claim(_ name: String, for seconds: Int) async throws(GatewayError) -> Bool {
        guard let facts = services.facts else { throw .noState }
        return try await facts.claim(name, for: seconds, pool: provider, account: account)
    }

    @LoopActor func release(_ name: String) async {
        await services.facts?.release(name, pool: provider, account: account)
    }

    @LoopActor func pause(milliseconds: Int) async throws(GatewayError) {
        if milliseconds > 0 {
            await LoopTimer.wait(.milliseconds(milliseconds))
        } else {
            await Task.yield()
        }
        try check()
    }

    private func check() throws(GatewayError) {
        guard !isClosed else { throw GatewayError(.clientGone, "The client has left.", source: .client) }
        guard LoopClock.now < deadline else {
            throw GatewayError(.upstreamTimeout, "The upstream took too long.", source: .upstream)
        }
    }
}

extension DeskAnswer {
    fileprivate init(_ answer: (head: UpstreamHead, body: [UInt8])) {
        self.init(
            status: answer.head.status,
            headers: answer.head.fields.map { HTTPHeader($0.0.text, $0.1.text) },
            body: answer.body
        )
    }
}

extension GatewayError {
    static var noState: GatewayError {
        var error = GatewayError(.stateUnavailable, "The service's state cannot be reached. Please try again.")
        error.retryAfter = 1
        return error
    }
}
