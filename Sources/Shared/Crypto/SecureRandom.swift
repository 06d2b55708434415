internal import COpenSSL

/// Bytes nobody can guess, from the library's generator, which the kernel seeds.
package enum SecureRandom {
    package static func bytes(_ count: Int) throws(CryptoError) -> [UInt8] {
        guard let wanted = Int32(exactly: count), wanted >= 0 else { throw .failed }
        guard wanted > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: count)
        guard unsafe RAND_bytes(&bytes, wanted) == 1 else { throw .failed }
        return bytes
    }

    /// As many random bytes in lower-case hexadecimal digits, two each.
    package static func hex(bytes count: Int) throws(CryptoError) -> String {
        Hex.encode(try bytes(count))
    }
}
