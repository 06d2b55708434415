internal import Core
internal import EventLoop

/// The client's shards and the choice among them: one where a connection to the same origin waits, else the first with
/// room, so that load gathers at the front and the shards behind come to rest.
@LoopActor
struct ShardList {
    private(set) var shards: [Shard] = []
    private let limit: Int
    /// All shards before this one are full.
    private var firstWithRoom = 0

    init(limit: Int) {
        self.limit = limit
    }

    /// The shard for a transfer to `origin`, made if there is none with room.
    mutating func choose(for origin: Origin, of client: UpstreamClient) -> Shard {
        while firstWithRoom < shards.count, !shards[firstWithRoom].hasRoom { firstWithRoom += 1 }
        if firstWithRoom == shards.count { shards.append(Shard(client: client, place: shards.count, limit: limit)) }
        let choice = origin.preferred(among: shards, from: firstWithRoom) ?? shards[firstWithRoom]
        origin.began(in: choice)
        return choice
    }

    /// A transfer has left the shard.
    mutating func gotRoom(_ shard: Shard) {
        if shard.place < firstWithRoom { firstWithRoom = shard.place }
    }

    /// When the first of libcurl's timeouts is over.
    var earliestDeadline: Instant? {
        var earliest: Instant?
        for shard in shards {
            guard let deadline = shard.deadline else { continue }
            if let known = earliest, known <= deadline { continue }
            earliest = deadline
        }
        return earliest
    }

    /// Closes the connections of shards that had no transfer since `time`. Says whether others still wait for that.
    func closeIdle(since time: Instant) -> Bool {
        var areWaiting = false
        for shard in shards where shard.isOpen && shard.active.isEmpty {
            if shard.idleSince <= time { shard.close() } else { areWaiting = true }
        }
        return areWaiting
    }

    var active: [EasyHandle] { shards.flatMap(\.active) }
}
