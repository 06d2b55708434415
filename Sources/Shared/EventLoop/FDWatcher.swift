internal import CUV

/// Watches a file descriptor that somebody else owns, such as libcurl's or hiredis' sockets.
///
/// libuv takes a descriptor out of the kernel's set and puts it in again whenever the interest changes (two system
/// calls), so `watch` does nothing when the interest stays the same, and owners do well to change it rarely.
@safe @LoopActor
package final class FDWatcher {
    package struct Events: OptionSet, Sendable {
        package let rawValue: Int32
        package init(rawValue: Int32) { self.rawValue = rawValue }
        package static var readable: Events { Events(rawValue: 1) }
        package static var writable: Events { Events(rawValue: 2) }
        /// The descriptor is in error; reading or writing it will say why.
        package static var failed: Events { Events(rawValue: 1 << 16) }

        /// A descriptor in error is ready for whatever will find that out.
        fileprivate static var anyFailure: Events { Events(rawValue: 1 | 2 | 1 << 16) }

        // What other modules get from `OptionSet` through a chain of witnesses, which is too long for every chunk.
        package static func == (left: Events, right: Events) -> Bool { left.rawValue == right.rawValue }
        package static func != (left: Events, right: Events) -> Bool { left.rawValue != right.rawValue }
        package var isEmpty: Bool { rawValue == 0 }
        package func contains(_ other: Events) -> Bool { rawValue & other.rawValue == other.rawValue }
    }

    package let fd: Int32
    package private(set) var watched: Events = []
    private let handle: UnsafeMutablePointer<uv_poll_t>
    private let action: @LoopActor (Events) -> Void
    private var isClosed = false

    package init(fd: Int32, _ action: @escaping @LoopActor (Events) -> Void) throws(LoopError) {
        self.fd = fd
        self.action = action
        unsafe handle = .allocate(capacity: 1)
        let code = unsafe uv_poll_init(LoopExecutor.shared.loop, handle, fd)
        if code < 0 {
            isClosed = true
            unsafe handle.deallocate()
            throw LoopError(code: code, operation: "watch a descriptor")
        }
        // Unretained: the owner closes the watcher before it lets go of it.
        unsafe handle.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    }

    /// Changes what is waited for; nothing at all stops the watcher.
    package func watch(_ events: Events) {
        guard !isClosed, events != watched else { return }
        watched = events
        if events.isEmpty {
            unsafe uv_poll_stop(handle)
            return
        }
        unsafe uv_poll_start(handle, events.rawValue) { handle, status, events in
            guard let data = unsafe handle?.pointee.data else { return }
            let watcher = unsafe Unmanaged<FDWatcher>.fromOpaque(data).takeUnretainedValue()
            watcher.action(status < 0 ? .anyFailure : Events(rawValue: events))
        }
    }

    /// Must come before the descriptor itself is closed.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        watched = []
        unsafe uv_poll_stop(handle)
        unsafe closeFreeingMemory(handle)
    }

    isolated deinit { close() }
}
