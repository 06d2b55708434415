internal import EventLoop

/// Puts pieces of a stream into the frame of the chunked coding, in one piece of memory that all connections share.
///
/// Every token of every stream passes here, cold caches before and behind it, so this is raw memory and few lines
/// instead of a byte buffer.
@LoopActor
@safe final class ChunkFramer {
    /// Room for the sixteen digits a size may have, and for the line end behind them.
    private static let headRoom = 18
    /// What is kept between chunks: a large one must not enlarge the worker for good.
    private static let keptBytes = 16 << 10

    private var base: UnsafeMutableRawPointer
    private var room: Int

    init() {
        room = Self.keptBytes
        unsafe base = .allocate(byteCount: Self.headRoom + Self.keptBytes + 2, alignment: 16)
    }

    isolated deinit { unsafe base.deallocate() }

    /// The chunk that holds `bytes`, at least one; valid until the next call.
    func frame(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard let source = bytes.baseAddress, bytes.count > 0 else {
            preconditionFailure("a chunk of no bytes would end the body")
        }
        if bytes.count > room || room > Self.keptBytes { makeRoom(for: bytes.count) }
        let content = unsafe base + Self.headRoom
        unsafe content.copyMemory(from: source, byteCount: bytes.count)
        unsafe (content + bytes.count).storeBytes(of: Self.lineEnd, toByteOffset: 0, as: UInt16.self)
        var start = unsafe content - 2
        unsafe start.storeBytes(of: Self.lineEnd, as: UInt16.self)
        var rest = bytes.count
        repeat {
            let digit = UInt8(truncatingIfNeeded: rest & 15)
            unsafe start -= 1
            unsafe start.storeBytes(of: digit < 10 ? 48 + digit : 87 + digit, as: UInt8.self)
            rest >>= 4
        } while rest > 0
        let end = unsafe content + bytes.count + 2
        return unsafe UnsafeRawBufferPointer(start: start, count: end - start)
    }

    /// CR LF as it lies in memory.
    private static let lineEnd = UInt16(littleEndian: 0x0A0D)

    private func makeRoom(for count: Int) {
        unsafe base.deallocate()
        room = max(count, Self.keptBytes)
        unsafe base = .allocate(byteCount: Self.headRoom + room + 2, alignment: 16)
    }
}
