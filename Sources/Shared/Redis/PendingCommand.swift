internal import Core
internal import EventLoop

/// A command whose answer is missing.
struct PendingCommand {
    @safe enum Waiter {
        /// Somebody waits. Resumed exactly once: `settle` leaves `abandoned` or takes the command out of its queue.
        case task(UnsafeContinuation<Result<RedisReply, RedisError>, Never>)
        /// Somebody has left word where to call, which costs no task.
        case callback(@LoopActor (Result<RedisReply, RedisError>) -> Void)
        /// The same for somebody who also wants the answer when it comes too late.
        case follower(AnswerFollower)
        /// Fire and forget.
        case nobody
        /// The client itself wants to know whether Redis is back.
        case probe
        /// The deadline has passed. The command keeps its place so that its late answer is not taken for another's.
        case abandoned
        /// The deadline has passed, and somebody has to put right what the command may have done since.
        case late(@LoopActor (RedisReply) -> Void)
    }

    var waiter: Waiter
    let started: Instant
    let deadline: Instant

    var isAbandoned: Bool {
        switch waiter {
        case .abandoned, .late: true
        case .task, .callback, .follower, .nobody, .probe: false
        }
    }

    /// Gives the command up at its deadline and returns who is to be told.
    mutating func abandon() -> Waiter {
        let waiter = waiter
        if case .follower(let follower) = waiter {
            self.waiter = .late(follower.late)
        } else {
            self.waiter = .abandoned
        }
        return waiter
    }
}

/// Who waits for an answer and cannot let it go when it is late: a grant that nobody hears of would stand for long.
/// An object, so that the many commands without one are no larger for it.
final class AnswerFollower: Sendable {
    let completion: @LoopActor (Result<RedisReply, RedisError>) -> Void
    /// Called with an answer after `completion` was told of the time-out; never when the connection is lost meanwhile.
    let late: @LoopActor (RedisReply) -> Void

    init(
        _ completion: @escaping @LoopActor (Result<RedisReply, RedisError>) -> Void,
        late: @escaping @LoopActor (RedisReply) -> Void
    ) {
        self.completion = completion
        self.late = late
    }
}

/// A command that waits for a connection, in wire form.
struct UnsentCommand {
    var pending: PendingCommand
    let bytes: [UInt8]
}
