internal import Core
internal import EventLoop

/// libcurl's one timeout on one loop timer.
///
/// libcurl moves its timeout several times in the life of a request and mostly wants "now". The loop's timer is touched
/// only at the end of a turn, and only to make it fire earlier; when it fires too early it is simply set again.
@LoopActor
final class TimeoutClock {
    /// libcurl wants to be called in this turn.
    private(set) var isDue = false
    private var deadline: Instant?
    private var armed: Instant?
    /// The deadline moved since the loop's timer was last looked at.
    private(set) var needsArming = false
    private let timer: LoopTimer

    init() {
        let fired = Fired()
        timer = LoopTimer { fired.clock?.timerFired() }
        fired.clock = self
    }

    /// The value of libcurl's timer callback.
    func set(milliseconds: Int) {
        deadline = milliseconds > 0 ? LoopClock.now.advanced(by: .milliseconds(milliseconds)) : nil
        isDue = false
        needsArming = true
        if milliseconds == 0 { wakeUp() }
    }

    /// Makes the end of this turn, or of an immediately following one if it has passed already, find something due.
    func wakeUp() {
        guard !isDue else { return }
        isDue = true
        arm(at: LoopClock.now)
    }

    func takeDue() -> Bool {
        defer { isDue = false }
        return isDue
    }

    /// At the end of a turn, when all that was due is done.
    func rearm() {
        needsArming = false
        if isDue {
            arm(at: LoopClock.now)
        } else if let deadline {
            // A timer set for the turn that ends here must not cost another turn.
            if let armed, armed <= LoopClock.now { self.armed = nil }
            arm(at: deadline)
        } else if armed != nil {
            armed = nil
            timer.cancel()
        }
    }

    func close() { timer.close() }

    private func arm(at moment: Instant) {
        if let armed, armed <= moment { return }
        armed = moment
        timer.schedule(milliseconds: UInt64(max(0, moment.milliseconds(since: LoopClock.now).rounded(.up))))
    }

    private func timerFired() {
        armed = nil
        needsArming = true
        if let deadline, deadline <= LoopClock.now {
            self.deadline = nil
            isDue = true
        }
    }

    /// Lets the timer's closure be made before the clock is.
    @LoopActor
    private final class Fired {
        weak var clock: TimeoutClock?
    }
}
