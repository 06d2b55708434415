internal import EventLoop

/// What connections are kept by, scheme, host and port, and a notion of which shards have some that wait. It is only a
/// notion, for libcurl does not tell: taken for true it costs a new connection at worst.
@LoopActor
final class Origin {
    let isTLS: Bool
    /// Its connections carry many transfers each.
    var isMultiplexed = false
    /// Where its last transfer went.
    private var home: Shard?
    /// How many connections wait in each shard.
    private var waiting: [Int] = []

    init(isTLS: Bool) {
        self.isTLS = isTLS
    }

    /// The shard to prefer among those from `first` on, if there is a reason to prefer any.
    func preferred(among shards: [Shard], from first: Int) -> Shard? {
        if isMultiplexed { return home.flatMap { $0.hasRoom ? $0 : nil } }
        var place = first
        while place < min(shards.count, waiting.count) {
            if waiting[place] > 0, shards[place].hasRoom { return shards[place] }
            place += 1
        }
        return nil
    }

    /// A transfer begins in `shard`.
    func began(in shard: Shard) {
        home = shard
        if shard.place < waiting.count, waiting[shard.place] > 0 { waiting[shard.place] -= 1 }
    }

    /// A transfer in `shard` left its connection fit for another one.
    func ended(in shard: Shard, limit: Int) {
        while waiting.count <= shard.place { waiting.append(0) }
        waiting[shard.place] = min(limit, waiting[shard.place] + 1)
    }
}
