internal import CUV
package import Core

/// The time as the loop sees it.
package enum LoopClock {
    /// The monotonic clock, read now.
    package static var now: Instant { Instant(nanoseconds: uv_hrtime()) }
}

extension LoopClock {
    /// The time at which the current turn of the loop began: costs nothing, good to a millisecond or so.
    @LoopActor package static var turn: Instant {
        Instant(nanoseconds: unsafe uv_now(LoopExecutor.shared.loop) * 1_000_000)
    }
}
