internal import Redis

/// The names of a pool's keys, all with one hash tag.
struct PoolKeys: Sendable {
    let prefix: String
    let channel: String
    /// The four keys every script of the pool begins with.
    private let common: [RedisArgument]

    /// Redis separates its databases' keys but not their channels; a cluster in one must not hear of another's accounts.
    init(pool: String, database: Int) {
        prefix = "millrace:{pool:\(pool)}:"
        channel = database == 0 ? "\(prefix)changes" : "\(prefix)changes:\(database)"
        common = [
            .text("\(prefix)pool"), .text("\(prefix)ready"), .text("\(prefix)away"), .text("\(prefix)models"),
        ]
    }

    func keys(_ others: RedisArgument...) -> [RedisArgument] { common + others }

    func arguments(_ others: RedisArgument...) -> [RedisArgument] { [.text(prefix), .text(channel)] + others }

    func account(_ id: String) -> RedisArgument { .text("\(prefix)account:\(id)") }
    func cooldowns(_ id: String) -> RedisArgument { .text("\(prefix)cool:\(id)") }
    func leases(_ id: String) -> RedisArgument { .text("\(prefix)leases:\(id)") }
    func reported(_ lease: String) -> RedisArgument { .text("\(prefix)reported:\(lease)") }
    func blame(request: String, _ scope: Consequence.Scope) -> RedisArgument {
        .text("\(prefix)blame:\(scope == .egress ? "egress:" : "")request:\(request)")
    }
    func blame(digest: String, _ scope: Consequence.Scope) -> RedisArgument {
        .text("\(prefix)blame:\(scope == .egress ? "egress:" : "")body:\(digest)")
    }
    func set(_ digest: String) -> RedisArgument { .text("\(prefix)set:\(digest)") }

    var accounts: RedisArgument { .text("\(prefix)accounts") }
    var registered: RedisArgument { .text("\(prefix)registered") }
    var departed: RedisArgument { .text("\(prefix)departed") }
}
