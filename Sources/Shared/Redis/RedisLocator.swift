internal import EventLoop

/// Knows where a link should connect to when that is not written in its address: sentinels know the master, a cluster
/// knows its nodes.
@LoopActor
protocol RedisLocator: AnyObject {
    /// Whether the server must say that it is a master before it is used.
    var wantsMaster: Bool { get }

    /// Calls back exactly once, perhaps before it returns.
    func locate(_ completion: @escaping @LoopActor (Result<RedisAddress.Endpoint, RedisError>) -> Void)

    /// The link wants to hear when the answer changes.
    func add(_ link: RedisLink)
}

/// The links that follow a locator's answers, for as long as they live.
struct LinkFollowers {
    private struct Follower {
        weak var link: RedisLink?
    }

    private var followers: [Follower] = []

    mutating func add(_ link: RedisLink) {
        followers.removeAll { $0.link == nil }
        followers.append(Follower(link: link))
    }

    /// Those alive now; what they do may change the list.
    var links: [RedisLink] { followers.compactMap(\.link) }
}
