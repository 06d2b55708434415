internal import Core
internal import EventLoop

/// A call on its way through a cluster, from node to node if it must be.
struct ClusterOrder {
    let call: RedisCall
    /// Nothing when any node will do.
    let slot: Int?
    let started: Instant
    let deadline: Instant
    let late: (@LoopActor (RedisReply) -> Void)?
    let completion: @LoopActor (Result<RedisReply, RedisError>) -> Void
    /// How often it was sent on; ends a quarrel between nodes.
    var redirections = 0
    /// Why it was not served so far.
    var lastError: RedisError?

    init(
        _ call: RedisCall,
        started: Instant,
        deadline: Instant,
        late: (@LoopActor (RedisReply) -> Void)? = nil,
        _ completion: @escaping @LoopActor (Result<RedisReply, RedisError>) -> Void
    ) {
        self.call = call
        slot = call.key.map { HashSlot.of($0) }
        self.started = started
        self.deadline = deadline
        self.late = late
        self.completion = completion
    }
}

/// One node of a cluster and the client that talks to it, which connects at its first use.
@LoopActor
final class ClusterNode {
    let endpoint: RedisAddress.Endpoint
    let client: RedisClient
    /// Whether the map names it; one that is not named and not used for a while is let go.
    var isListed = false
    /// Whether it has failed and not been seen well since.
    var isInTrouble = false
    var lastUsed = LoopClock.now

    init(_ endpoint: RedisAddress.Endpoint, _ client: RedisClient) {
        self.endpoint = endpoint
        self.client = client
    }

    /// Whether commands for it would have to wait or be refused.
    var isFailing: Bool {
        if isInTrouble, client.isReady { isInTrouble = false }
        return isInTrouble
    }

    func perform(
        _ call: RedisCall,
        asking: Bool,
        timeout: Duration,
        late: (@LoopActor (RedisReply) -> Void)? = nil,
        _ completion: @escaping @LoopActor (Result<RedisReply, RedisError>) -> Void
    ) {
        client.start()
        switch call {
        case .command(let arguments):
            if asking { client.sendAsking(timeout) }
            client.command(arguments, timeout: timeout, late: late, completion: completion)
        case .script(let script, let keys, let arguments):
            client.evaluateHere(script, keys, arguments, asking: asking, timeout, late: late, completion)
        }
    }
}
