internal import COpenSSL

/// The MD5 of some bytes, for upstreams that sign their requests with it; it proves nothing to anybody here.
package struct MD5Digest: Sendable, Hashable {
    package static let byteCount = 16

    package let bytes: [UInt8]

    /// Fails where the library is not allowed to compute it.
    package init(of text: String) throws(CryptoError) {
        let message = Array(text.utf8)
        var digest = [UInt8](repeating: 0, count: Self.byteCount)
        var length: UInt32 = 0
        let result = unsafe EVP_Digest(message, message.count, &digest, &length, EVP_md5(), nil)
        guard result == 1, length == Self.byteCount else { throw .failed }
        bytes = digest
    }

    /// The digest in 32 lower-case digits.
    package var hex: String { Hex.encode(bytes) }
}
