import EventLoop
import TestSupport
import Testing

@testable import HTTPServer

@Suite("Frames of chunks", .onLoop)
struct ChunkFramerTests {
    @Test("Every size gets its digits, and large chunks leave no trace in small ones")
    @LoopActor func sizes() {
        let framer = ChunkFramer()
        for size in [1, 9, 10, 15, 16, 255, 256, 4095, 4096, 16_384, 16_385, 70_000, 1, 1_048_576, 200_000, 17] {
            let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let chunk = unsafe content.withUnsafeBytes { unsafe Array(framer.frame($0)) }
            let head = Array((String(size, radix: 16) + "\r\n").utf8)
            #expect(chunk == head + content + Array("\r\n".utf8), "size \(size)")
        }
    }
}
