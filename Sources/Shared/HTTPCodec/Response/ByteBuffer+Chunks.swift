package import Core

/// The chunked coding. An empty chunk would end the body, so appending no bytes writes nothing.
extension ByteBuffer {
    package mutating func appendChunk(_ bytes: ArraySlice<UInt8>) {
        unsafe bytes.withUnsafeBytes { unsafe appendChunk($0) }
    }

    package mutating func appendChunk(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 0 else { return }
        appendChunkStart(bytes.count)
        unsafe append(bytes)
        appendChunkEnd()
    }

    /// For a chunk made of several pieces: exactly `count` bytes, more than none, and `appendChunkEnd()` must follow.
    package mutating func appendChunkStart(_ count: Int) {
        precondition(count > 0, "a chunk of no bytes would end the body")
        append(hexadecimal: count)
        append("\r\n" as StaticString)
    }

    package mutating func appendChunkEnd() {
        append("\r\n" as StaticString)
    }

    /// Ends the body properly. A body that broke off must not get one.
    package mutating func appendLastChunk() {
        append("0\r\n\r\n" as StaticString)
    }
}
