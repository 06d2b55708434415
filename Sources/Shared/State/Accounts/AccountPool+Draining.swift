internal import Core
internal import EventLoop
internal import Redis

extension AccountPool {
    /// Waits until all reports have reached Redis, or until it has had time enough. For the end of the process.
    package func drain(patience: Duration = .seconds(2)) async {
        guard redis?.isReady ?? false else { return }
        let end = LoopClock.now.advanced(by: patience)
        // A report is answered within a command's deadline; most often there is none.
        while pendingReports > 0, LoopClock.now < end {
            _ = try? await redis?.command(["PING"])
        }
    }
}
