package import Core
internal import Crypto
package import EventLoop
internal import Glibc
package import Redis

/// The accounts of one provider: who may be used now, for which model, and what follows from how it went.
///
/// Redis is the authority and each change there is one script; every worker mirrors the pool and hears of each change.
/// A *scripted* pool asks Redis for each lease, so that nothing is ever exceeded; a *mirrored* pool decides by itself
/// and asks only for what the mirror cannot know: a limit of concurrency, or who makes the one probe. Keys from the
/// environment take part under an id derived from them; they are never written anywhere.
@LoopActor
package final class AccountPool {
    package let name: String
    package let options: Options
    package internal(set) var statistics = Statistics()

    let redis: RedisClient?
    let vault: Vault?
    let log: Log
    let keys: PoolKeys
    let mirror: AccountMirror
    /// The name under which Redis knows the set of this worker's own accounts; empty when there are none.
    let environmentSet: String
    let environmentIDs: [String]
    let leaseMilliseconds: Int
    var feed = MirrorFeed()
    var subscription: RedisSubscription?
    var readsAgain = false
    /// The account whose turn it is, but not without asking: the next lease prefers it.
    var askedFor: String?
    /// The version of Redis at the last registration, which the mirror must have reached by the next one.
    var expectedVersion = 0
    var blame = BlameBook()
    var reports = ReportQueue()
    var openLeases: [String: OpenLease] = [:]
    var heartbeatTimer: LoopTimer?
    var renewalTimer: LoopTimer?
    var retryTimer: LoopTimer?
    var rereadTimer: LoopTimer?
    var isClosed = false

    /// What is to be added to the loop's clock to get Redis' one, in milliseconds.
    private var clockOffset: Int
    private let leasePrefix: String
    private var leaseCount = 0

    /// A lease Redis knows of, to be renewed.
    struct OpenLease {
        let account: String
        let granted: Int
    }

    /// `environment` are the worker's own credentials. Without Redis they are all there is, and cool-downs are this
    /// worker's own; without a vault accounts cannot be stored nor read.
    package init(
        name: String,
        environment credentials: [String],
        redis: RedisClient?,
        vault: Vault?,
        options: Options = Options(),
        log: Log
    ) {
        self.name = name
        self.redis = redis
        self.vault = vault
        self.options = options
        self.log = log
        keys = PoolKeys(pool: name, database: redis?.address.database ?? 0)
        leaseMilliseconds = Int(options.leaseTime.milliseconds)
        var own: [String: String] = [:]
        for credential in credentials { own[Self.id(of: credential, pool: name)] = credential }
        environmentIDs = own.keys.sorted()
        environmentSet =
            own.isEmpty ? "" : String(SHA256Digest(of: environmentIDs.joined(separator: " ")).hex.prefix(16))
        mirror = AccountMirror(pool: name, environment: own, vault: vault, log: log)
        leasePrefix = String(UInt64.random(in: 1 << 35..<1 << 40), radix: 36)
        var wall = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &wall)
        clockOffset = wall.tv_sec * 1000 + wall.tv_nsec / 1_000_000 - Self.loopMilliseconds
        for id in environmentIDs {
            var state = AccountState(id: id, origin: .environment)
            state.maskedCredential = own[id].map { Account.mask($0) } ?? ""
            mirror.set(state)
        }
        heartbeatTimer = LoopTimer { [weak self] in self?.heartbeat() }
        renewalTimer = LoopTimer { [weak self] in self?.renewAll() }
        retryTimer = LoopTimer { [weak self] in self?.retryReports() }
        rereadTimer = LoopTimer { [weak self] in self?.reread() }
    }

    /// Begins to listen and to say what this worker has.
    package func start() {
        guard let redis, subscription == nil, !isClosed else { return }
        subscription = redis.subscribe([keys.channel]) { [weak self] in self?.received($0) }
        heartbeatTimer?.schedule(after: options.heartbeat)
        renewalTimer?.schedule(after: options.leaseTime / 3)
    }

    package func close() {
        isClosed = true
        subscription?.close()
        subscription = nil
        heartbeatTimer?.close()
        renewalTimer?.close()
        retryTimer?.close()
        rereadTimer?.close()
    }

    /// Whether there is any account this worker could use, enabled or not.
    package var isConfigured: Bool { mirror.hasAny }

    /// Whether there is any enabled account this worker can use, now or once it has rested.
    package var hasAccounts: Bool { mirror.hasEnabled }

    /// Whether the mirror hears of every change.
    package var isCurrent: Bool { feed.isFilled && !feed.isReading && (subscription?.isLive ?? false) }

    /// Reports that wait to be sent or answered.
    package var pendingReports: Int { reports.count }

    /// The id of a credential in a pool: sixteen digits that do not give it away.
    package static func id(of credential: String, pool: String) -> String {
        String(SHA256Digest(of: "\(pool)\n\(credential)").hex.prefix(16))
    }

    /// Milliseconds since 1970 on Redis' clock, as far as this worker knows it.
    var now: Int { Self.loopMilliseconds + clockOffset }

    /// Redis has said what time it was when it answered: not long ago. With `isFirst` all that was known is forgotten.
    func heard(time: Int, isFirst: Bool = false) {
        let offset = time - Self.loopMilliseconds
        clockOffset = isFirst ? offset : max(clockOffset, offset)
    }

    /// A name no other lease has. Short, so that it needs no memory of its own.
    func nextLeaseID() -> String {
        leaseCount += 1
        return leasePrefix + String(leaseCount, radix: 36)
    }

    private static var loopMilliseconds: Int { Int(LoopClock.now.nanoseconds / 1_000_000) }
}
