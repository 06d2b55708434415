internal import CUV
internal import Glibc

/// Runs an action on the loop when the process gets a signal.
@safe @LoopActor
package final class SignalWatcher {
    package enum Signal: Sendable { case terminate, interrupt, hangUp }

    private let handle: UnsafeMutablePointer<uv_signal_t>
    private let action: @LoopActor () -> Void
    private var isClosed = false

    package init(_ signal: Signal, _ action: @escaping @LoopActor () -> Void) {
        self.action = action
        unsafe handle = .allocate(capacity: 1)
        unsafe uv_signal_init(LoopExecutor.shared.loop, handle)
        // Unretained: the owner closes the watcher before it lets go of it.
        unsafe handle.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        let number =
            switch signal {
            case .terminate: SIGTERM
            case .interrupt: SIGINT
            case .hangUp: SIGHUP
            }
        unsafe uv_signal_start(
            handle,
            { handle, _ in
                guard let data = unsafe handle?.pointee.data else { return }
                let watcher = unsafe Unmanaged<SignalWatcher>.fromOpaque(data).takeUnretainedValue()
                watcher.action()
            },
            number
        )
    }

    package func close() {
        guard !isClosed else { return }
        isClosed = true
        unsafe closeFreeingMemory(handle)
    }

    /// A peer that goes away while we write must be an error code, not the end of the process.
    package nonisolated static func ignoreBrokenPipes() {
        _ = Glibc.signal(SIGPIPE, SIG_IGN)
    }

    isolated deinit { close() }
}
