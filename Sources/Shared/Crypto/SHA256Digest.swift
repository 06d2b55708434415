internal import COpenSSL

/// The SHA-256 of some bytes.
package struct SHA256Digest: Sendable, Hashable {
    package static let byteCount = 32

    package let bytes: [UInt8]

    package init(of message: some Collection<UInt8>) {
        let digest = message.withContiguousStorageIfAvailable { unsafe Self.digest(UnsafeRawBufferPointer($0)) }
        bytes = unsafe digest ?? Array(message).withUnsafeBytes { unsafe Self.digest($0) }
    }

    package init(of text: String) {
        var text = text
        bytes = text.withUTF8 { unsafe Self.digest(UnsafeRawBufferPointer($0)) }
    }

    /// The digest in 64 lower-case digits.
    package var hex: String { Hex.encode(bytes) }

    /// The one-shot function: for short messages the streaming interface costs several times as much.
    private static func digest(_ message: UnsafeRawBufferPointer) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { room, count in
            let start = unsafe message.baseAddress?.assumingMemoryBound(to: UInt8.self)
            _ = unsafe SHA256(start, message.count, room.baseAddress)
            count = byteCount
        }
    }
}
