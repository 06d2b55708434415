internal import CUV
internal import Core

/// A timer on the loop that can be moved any number of times; re-arming costs no system call.
@safe @LoopActor
package final class LoopTimer {
    private let handle: UnsafeMutablePointer<uv_timer_t>
    private let action: @LoopActor () -> Void
    private var isClosed = false

    /// `action` runs when the timer fires. It is kept until `close()`, so it should hold its owner weakly or unowned.
    package init(_ action: @escaping @LoopActor () -> Void) {
        self.action = action
        unsafe handle = .allocate(capacity: 1)
        unsafe uv_timer_init(LoopExecutor.shared.loop, handle)
        // Unretained: the owner closes the timer before it lets go of it.
        unsafe handle.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    }

    /// Fires once after `delay`, instead of whenever it was to fire before.
    package func schedule(after delay: Duration) {
        schedule(milliseconds: UInt64(max(0, delay.nanoseconds + 999_999)) / 1_000_000)
    }

    package func schedule(milliseconds: UInt64) {
        guard !isClosed else { return }
        // The loop's notion of now is as old as the turn; a long turn must not make the timer fire early.
        unsafe uv_update_time(LoopExecutor.shared.loop)
        unsafe uv_timer_start(
            handle,
            { handle in
                guard let data = unsafe handle?.pointee.data else { return }
                let timer = unsafe Unmanaged<LoopTimer>.fromOpaque(data).takeUnretainedValue()
                timer.action()
            },
            milliseconds,
            0
        )
    }

    package func cancel() {
        guard !isClosed else { return }
        unsafe uv_timer_stop(handle)
    }

    package func close() {
        guard !isClosed else { return }
        isClosed = true
        unsafe closeFreeingMemory(handle)
    }

    /// Returns after that time; other work of the loop is done meanwhile.
    package static func wait(_ delay: Duration) async {
        let timer = Waiting()
        await timer.wait(delay)
    }

    @LoopActor
    private final class Waiting {
        private var timer: LoopTimer?

        func wait(_ delay: Duration) async {
            await withCheckedContinuation { continuation in
                timer = LoopTimer { continuation.resume() }
                timer?.schedule(after: delay)
            }
            timer?.close()
        }
    }

    isolated deinit { close() }
}
