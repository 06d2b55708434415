internal import CUV
package import Core

/// The time as the loop sees it.
package enum LoopClock {
    /// The monotonic clock, read now.
    package static var now: Instant { Instant(nanoseconds: uv_hrtime()) }
}
