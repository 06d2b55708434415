package import Core

/// A timer for deadlines that move with every byte: moving one later costs a store, no work on the loop's heap.
///
/// The underlying timer fires at the earliest deadline it was ever armed for; only then is the current one looked at.
@LoopActor
package final class DeadlineTimer {
    private var deadline = Instant.distantFuture
    private var armedFor = Instant.distantFuture
    private var timer: LoopTimer?
    private let action: @LoopActor () -> Void

    /// `action` is kept until `close()`, so it should hold its owner weakly.
    package init(_ action: @escaping @LoopActor () -> Void) {
        self.action = action
    }

    /// Replaces the deadline; `.distantFuture` means none.
    package func set(_ deadline: Instant) {
        self.deadline = deadline
        if deadline < armedFor { arm() }
    }

    package func close() {
        timer?.close()
        timer = nil
        deadline = .distantFuture
        armedFor = .distantFuture
    }

    isolated deinit { close() }

    private func arm() {
        let timer = self.timer ?? LoopTimer { [unowned self] in fired() }
        self.timer = timer
        armedFor = deadline
        let wait = max(0, deadline.milliseconds(since: LoopClock.now))
        timer.schedule(milliseconds: UInt64(wait.rounded(.up)))
    }

    private func fired() {
        armedFor = .distantFuture
        guard deadline != .distantFuture else { return }
        if LoopClock.now < deadline {
            arm()
        } else {
            deadline = .distantFuture
            action()
        }
    }
}
