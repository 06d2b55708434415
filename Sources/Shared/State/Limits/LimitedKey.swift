internal import Core
internal import EventLoop
internal import Redis

/// What a worker keeps of one API key with limits: the names of its keys in Redis, what Redis last said, and what the
/// worker itself has admitted, for the time when Redis cannot be asked.
@LoopActor
final class LimitedKey {
    let digest: String
    /// The five keys all scripts take.
    let keys: [RedisArgument]
    private let markPrefix: String
    var status: RateStatus?
    /// What was spent and reserved of each budget when Redis last said so, and what has been used here without it since.
    var budgetUse: [String: Int] = [:]
    var window: SlidingWindow
    var openCount = 0

    init(digest: String, window: Duration) {
        self.digest = digest
        let tag = Self.tag(digest)
        keys = [
            .text(tag + ":window"), .text(tag + ":charges"), .text(tag + ":open"), .text(tag + ":budgets"),
            .text(tag + ":ended"),
        ]
        markPrefix = tag + ":done:"
        self.window = SlidingWindow(length: window)
    }

    /// The key that says that the charge with this id is settled.
    func mark(_ id: String) -> RedisArgument { .text(markPrefix + id) }

    /// All keys of one API key begin so. Half of the digest is enough to tell them apart, and no more than is needed.
    private static func tag(_ digest: String) -> String { "millrace:{limit:\(digest.prefix(16))}" }
}
