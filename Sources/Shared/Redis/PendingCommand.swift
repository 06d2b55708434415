internal import Core
internal import EventLoop

/// A command whose answer is missing.
struct PendingCommand {
    @safe enum Waiter {
        /// Somebody waits. Resumed exactly once: `settle` leaves `abandoned` or takes the command out of its queue.
        case task(UnsafeContinuation<Result<RedisReply, RedisError>, Never>)
        /// Somebody has left word where to call, which costs no task.
        case callback(@LoopActor (Result<RedisReply, RedisError>) -> Void)
        /// Fire and forget.
        case nobody
        /// The client itself wants to know whether Redis is back.
        case probe
        /// The deadline has passed. The command keeps its place so that its late answer is not taken for another's.
        case abandoned
    }

    var waiter: Waiter
    let started: Instant
    let deadline: Instant

    var isAbandoned: Bool {
        if case .abandoned = waiter { true } else { false }
    }
}

/// A command that waits for a connection, in wire form.
struct UnsentCommand {
    var pending: PendingCommand
    let bytes: [UInt8]
}
