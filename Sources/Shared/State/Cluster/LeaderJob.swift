internal import Core
internal import EventLoop

/// Something the leader does again and again.
@LoopActor
final class LeaderJob {
    let name: String
    let interval: Duration
    let body: @LoopActor () async -> Void
    var timer: LoopTimer?
    /// From the moment Redis is asked until the body has returned, so that runs never overlap.
    var isRunning = false
    /// Numbers the runs of one worker: whoever asks again for lack of an answer asks for the same run.
    var runs = 0

    init(name: String, interval: Duration, body: @escaping @LoopActor () async -> Void) {
        self.name = name
        self.interval = interval
        self.body = body
    }
}
