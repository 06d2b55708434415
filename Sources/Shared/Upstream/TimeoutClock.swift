internal import Core
internal import EventLoop

/// libcurl's timeouts, one for each shard, on one loop timer.
///
/// libcurl moves a timeout several times in the life of a request and mostly wants "now". The loop's timer is touched
/// only at the end of a turn, and only to make it fire earlier; when it fires too early it is simply set again.
@LoopActor
@safe final class TimeoutClock {
    /// libcurl is being run, and its timeouts are looked at before the loop waits again.
    var isTurning = false
    /// Some shard wants to be called in this turn, or a delegate has to be.
    private(set) var isDue = false
    private var armed: Instant?
    /// A deadline moved since the loop's timer was last looked at.
    private(set) var needsArming = false
    private let timer: LoopTimer

    init() {
        let owner = Owner()
        timer = LoopTimer { unsafe owner.clock?.timerFired() }
        unsafe owner.clock = self
    }

    /// Some shard's deadline is another one now.
    func deadlineMoved() { needsArming = true }

    /// Makes the end of this turn, or of an immediately following one if it has passed already, find something due.
    func wakeUp() {
        guard !isDue else { return }
        isDue = true
        // A turn under way has its end still before it.
        if !isTurning { armNow() }
    }

    func takeDue() -> Bool {
        defer { isDue = false }
        return isDue
    }

    /// At the end of a turn, when all that was due is done; `deadline` is the earliest of all.
    func rearm(for deadline: Instant?) {
        needsArming = false
        if isDue {
            armNow()
        } else if let deadline {
            // A timer set for the turn that ends here must not cost another turn.
            if armed == Self.now { armed = nil }
            if let armed, armed <= deadline { return }
            armed = deadline
            timer.schedule(milliseconds: UInt64(max(0, deadline.milliseconds(since: LoopClock.now).rounded(.up))))
        } else if armed != nil {
            armed = nil
            timer.cancel()
        }
    }

    func close() { timer.close() }

    private func armNow() {
        guard armed != Self.now else { return }
        armed = Self.now
        timer.schedule(milliseconds: 0)
    }

    private func timerFired() {
        armed = nil
        needsArming = true
        isDue = true
    }

    /// Stands in `armed` for "as soon as possible".
    private static let now = Instant(nanoseconds: 0)

    /// Lets the timer's closure be made before the clock is. The clock owns the timer and closes it in time.
    @LoopActor
    @safe private final class Owner {
        unowned(unsafe) var clock: TimeoutClock?
    }
}
