package import EventLoop
internal import Glibc

/// A client that talks and listens in turn, as a script says that runs on a thread of its own with blocking calls.
///
/// Every wait is bounded, so that a server that says nothing fails a test instead of holding it.
package final class ScriptedClient {
    private let fd: Int32
    private var isOpen = true
    /// What has been received and not yet been handed out.
    private var received: [UInt8] = []

    /// Whether the server accepted the connection.
    package var isConnected: Bool { fd >= 0 }

    private init(_ address: ListenAddress, receiveBuffer: Int32?) {
        fd = BlockingClient.connect(to: address)
        guard fd >= 0 else { return }
        // Long, for machines so busy that the loop has no turn for seconds; nothing that goes well waits for it.
        var patience = timeval(tv_sec: 30, tv_usec: 0)
        unsafe setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        unsafe setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        if var size = receiveBuffer {
            unsafe setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    deinit { close() }

    /// Connects to `address` and runs `script`; a small `receiveBuffer` makes a reader whose slowness is soon felt.
    package static func run<Outcome: Sendable>(
        to address: ListenAddress,
        receiveBuffer: Int32? = nil,
        _ script: @escaping @Sendable (ScriptedClient) -> Outcome
    ) async -> Outcome {
        await withCheckedContinuation { continuation in
            let job = Job {
                continuation.resume(returning: script(ScriptedClient(address, receiveBuffer: receiveBuffer)))
            }
            var thread = pthread_t()
            unsafe pthread_create(
                &thread,
                nil,
                { argument in
                    if let argument = unsafe argument {
                        unsafe Unmanaged<Job>.fromOpaque(argument).takeRetainedValue().run()
                    }
                    return nil
                },
                Unmanaged.passRetained(job).toOpaque()
            )
            pthread_detach(thread)
        }
    }

    /// Sends all of `bytes`; false when the server does not take them.
    @discardableResult
    package func send(_ bytes: [UInt8]) -> Bool {
        unsafe bytes.withUnsafeBytes { all in
            var sent = 0
            while sent < all.count, let base = all.baseAddress {
                let count = unsafe Glibc.send(fd, base + sent, all.count - sent, Int32(MSG_NOSIGNAL))
                guard count > 0 else { return false }
                sent += count
            }
            return true
        }
    }

    @discardableResult
    package func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// Ends the sending side.
    package func endSending() { shutdown(fd, Int32(SHUT_WR)) }

    /// Says and hears nothing for a while.
    package func pause(milliseconds: UInt32) { usleep(milliseconds * 1000) }

    package func close() {
        guard isOpen, fd >= 0 else { return }
        isOpen = false
        Glibc.close(fd)
    }

    /// Reads up to and with `mark`; everything there is when the server ends before, or says nothing for too long.
    package func receive(through mark: String) -> String {
        let wanted = Array(mark.utf8)
        var searched = 0
        while true {
            while searched + wanted.count <= received.count {
                if received[searched..<searched + wanted.count].elementsEqual(wanted) {
                    let end = searched + wanted.count
                    defer { received.removeFirst(end) }
                    return String(decoding: received[..<end], as: UTF8.self)
                }
                searched += 1
            }
            guard receiveMore() else { return String(decoding: take(), as: UTF8.self) }
        }
    }

    /// Reads exactly `count` bytes, or fewer when the server ends before.
    package func receive(count: Int) -> [UInt8] {
        while received.count < count, receiveMore() {}
        let end = min(count, received.count)
        defer { received.removeFirst(end) }
        return Array(received[..<end])
    }

    /// Reads until the server ends the connection, and returns nil when it does not.
    package func receiveToEnd() -> [UInt8]? {
        while receiveMore() {}
        return hasEnded ? take() : nil
    }

    /// The same as text; what is no proper end reads so.
    package func textToEnd() -> String { receiveToEnd().map { String(decoding: $0, as: UTF8.self) } ?? "(no end)" }

    private var hasEnded = false

    private func receiveMore() -> Bool {
        guard !hasEnded else { return false }
        let count = unsafe withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { buffer in
            let count = unsafe recv(fd, buffer.baseAddress, buffer.count, 0)
            if count > 0 { unsafe received.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<count])) }
            return count
        }
        hasEnded = count == 0
        return count > 0
    }

    private func take() -> [UInt8] {
        defer { received = [] }
        return received
    }

    private final class Job: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
