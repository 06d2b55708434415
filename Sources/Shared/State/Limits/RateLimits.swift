package import Core
package import EventLoop
package import Redis

/// Limits what API keys use: requests and tokens a minute, open requests, budgets of money and tokens; exact across all
/// workers, since every decision is made by a script in Redis, by its clock.
///
/// Requests and tokens are counted in sub-windows, one second each for a minute, of which as many as the window has and
/// one more count. So the guarantee is: within any stretch of one window the units admitted never pass the limit, and a
/// unit is free again between one window and one window and a sub-window after its use. A leaky bucket (GCRA) would need
/// one number instead, but admits twice the limit within a minute that follows a quiet one.
///
/// A charge *reserves* its estimate when a request begins. *Settling* puts the real use in its place: what was too much
/// goes back to the sub-window it was taken from, what was too little is counted now, even past the limit, and keeps
/// others waiting until it has left the window. Open charges hold a lease that this object renews; those of a killed
/// worker end by themselves and give back tokens, place and budget.
///
/// While Redis cannot be asked, each worker admits its share of the rates; what it admits is counted in Redis later.
@LoopActor
package final class RateLimits {
    package struct Options: Sendable {
        /// What "a minute" means.
        package var window = Duration.seconds(60)
        /// In how many sub-windows it is counted.
        package var parts = 60
        /// How long a killed worker keeps what it has reserved.
        package var lease = Duration.seconds(60)
        /// A charge open for longer was forgotten by its owner, and its lease ends.
        package var longestCharge = Duration.seconds(6 * 3_600)
        /// How long to wait before settlements that did not get through are sent again.
        package var retryInterval = Duration.milliseconds(500)
        /// How long they are sent again; not longer than scripts remember ended leases, which is an hour.
        package var patience = Duration.seconds(3_000)
        package var queueLimit = 20_000
        /// How long Redis remembers that a charge is settled: longer than commands of a lost connection can come late.
        package var markTime = Duration.seconds(120)
        /// How many API keys are kept in memory.
        package var keyLimit = 10_000

        package init() {}
    }

    /// Counts since the start, for metrics.
    package struct Statistics: Sendable, Equatable {
        package var reservations = 0
        package var refusals = 0
        /// Of both, those decided without Redis.
        package var localDecisions = 0
        package var settlements = 0
        /// Settlements that waited for Redis for too long, or had no place to wait.
        package var lostSettlements = 0
    }

    /// A charge that is neither settled nor released.
    struct OpenCharge {
        let charge: Charge
        let limits: KeyLimits
        let key: LimitedKey
        let since: Instant
        /// Redis may not know of it.
        var isLocal: Bool
    }

    let redis: RedisClient
    let options: Options
    let log: Log
    let livingWorkers: @LoopActor () -> Int
    package internal(set) var statistics = Statistics()
    let width: Int
    let parts: Int
    let leaseMilliseconds: Int

    var open: [String: OpenCharge] = [:]
    /// Charges given back lately: should something have been used after all, it still counts.
    var released: [String: OpenCharge] = [:]
    var waiting: [Settlement] = []
    /// Settlements and releases that are on their way.
    var unanswered = 0
    var isLocal = false
    /// The keys for which something waits for the end of this turn.
    var unsent: [LimitedKey] = []
    var willFlush = false
    private var limitedKeys: [String: LimitedKey] = [:]
    private var renewTimer: LoopTimer?
    private var isRenewing = false
    private var retryTimer: LoopTimer?
    private var isRetrying = false

    /// `livingWorkers` says among how many workers the limits are shared out while Redis is away.
    package init(
        redis: RedisClient,
        options: Options = Options(),
        log: Log,
        livingWorkers: @escaping @LoopActor () -> Int
    ) {
        self.redis = redis
        self.options = options
        self.log = log
        self.livingWorkers = livingWorkers
        let window = max(1, Int(options.window.milliseconds))
        width = max(1, window / max(1, options.parts))
        parts = (window + width - 1) / width
        leaseMilliseconds = max(1, Int(options.lease.milliseconds))
        renewTimer = LoopTimer { [unowned self] in
            isRenewing = false
            renew()
        }
        retryTimer = LoopTimer { [unowned self] in
            isRetrying = false
            sendWaiting()
        }
    }

    package func close() {
        renewTimer?.close()
        retryTimer?.close()
    }

    isolated deinit { close() }

    /// How much of the rates of this key is left, as far as this worker knows: what the answer to a refused request says.
    package func status(of digest: String) -> RateStatus? { limitedKeys[digest]?.status }

    func limitedKey(_ digest: String) -> LimitedKey {
        if let key = limitedKeys[digest] { return key }
        // So many are not expected; those that have open charges live on with them.
        if limitedKeys.count >= options.keyLimit { limitedKeys = limitedKeys.filter { $0.value.openCount > 0 } }
        let key = LimitedKey(digest: digest, window: options.window)
        limitedKeys[digest] = key
        return key
    }

    /// Leases are renewed three times in their length, so that one renewal may fail.
    func renewLater() {
        guard !isRenewing, !open.isEmpty || !released.isEmpty else { return }
        isRenewing = true
        renewTimer?.schedule(milliseconds: UInt64(max(1, leaseMilliseconds / 3)))
    }

    func retryLater() {
        guard !isRetrying, !waiting.isEmpty else { return }
        isRetrying = true
        retryTimer?.schedule(after: options.retryInterval)
    }
}
