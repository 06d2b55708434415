internal import EventLoop

/// Where a transfer's body bytes wait between libcurl's callbacks and the delegate's one call for the turn. A transfer
/// borrows one only while it has bytes, so silent streams own none.
@LoopActor
@safe final class ReceiveBuffer {
    private var base: UnsafeMutableRawPointer
    private(set) var count = 0
    private(set) var capacity = 16 * 1024

    init() {
        unsafe base = .allocate(byteCount: capacity, alignment: 16)
    }

    isolated deinit { unsafe base.deallocate() }

    func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        if count + bytes.count > capacity { grow(toHold: count + bytes.count) }
        unsafe (base + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    func removeAll() { count = 0 }

    var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base, count: count) }

    private func grow(toHold wanted: Int) {
        while capacity < wanted { capacity *= 2 }
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        unsafe larger.copyMemory(from: base, byteCount: count)
        unsafe base.deallocate()
        unsafe base = larger
    }
}

/// Receive buffers that wait for their next use.
@LoopActor
struct ReceiveBufferPool {
    /// The one that mostly suffices.
    private var first: ReceiveBuffer?
    private var free: [ReceiveBuffer] = []

    mutating func take() -> ReceiveBuffer {
        if let buffer = first.take() { return buffer }
        return free.popLast() ?? ReceiveBuffer()
    }

    /// Keeps a few of ordinary size: as many as streams of one HTTP/2 connection are likely to speak in one turn.
    mutating func give(back buffer: ReceiveBuffer) {
        guard buffer.capacity <= 256 * 1024 else { return }
        buffer.removeAll()
        if first == nil {
            first = buffer
        } else if free.count < 15 {
            free.append(buffer)
        }
    }
}
