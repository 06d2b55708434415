internal import Core
internal import EventLoop
internal import Redis

/// What a worker keeps of one API key with limits: the names of its keys in Redis, what Redis last said, what waits for
/// the end of this turn of the loop, and what the worker itself has admitted, for the time when Redis cannot be asked.
@LoopActor
final class LimitedKey {
    let digest: String
    /// The six keys all scripts take.
    let keys: [RedisArgument]
    var status: RateStatus?
    /// What was spent and reserved of each budget when Redis last said so, and what has been used here without it since.
    var budgetUse: [String: Int] = [:]
    var window: SlidingWindow
    var openCount = 0
    /// What this turn of the loop wants of Redis; all of a kind are one call at its end.
    var reservations: [PendingReservation] = []
    var settlements: [Settlement] = []

    init(digest: String, window: Duration) {
        self.digest = digest
        // All keys of one API key begin so. Half of the digest is enough to tell them apart, and no more than is needed.
        let tag = "millrace:{limit:\(digest.prefix(16))}"
        keys = ["window", "charges", "open", "budgets", "ended", "done"].map { .text("\(tag):\($0)") }
        self.window = SlidingWindow(length: window)
    }
}

/// A request that waits to be admitted.
struct PendingReservation {
    let charge: Charge
    let limits: KeyLimits
    let completion: @LoopActor (Result<RateStatus?, GatewayError>) -> Void
}
