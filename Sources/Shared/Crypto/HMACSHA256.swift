internal import COpenSSL

/// Message authentication with SHA-256 (RFC 2104).
package enum HMACSHA256 {
    /// The 32-byte code of `message` under `key`.
    package static func authenticate(_ message: [UInt8], key: [UInt8]) throws(CryptoError) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: SHA256Digest.byteCount)
        var length: UInt32 = 0
        // An empty key must still have an address, or the library reuses an earlier one.
        let keyBytes = key.isEmpty ? [0] : key
        let result = unsafe HMAC(EVP_sha256(), keyBytes, Int32(key.count), message, message.count, &code, &length)
        guard unsafe result != nil, length == SHA256Digest.byteCount else { throw .failed }
        return code
    }

    /// Whether `code` is that of `message`, compared in constant time.
    package static func isValid(_ code: [UInt8], for message: [UInt8], key: [UInt8]) -> Bool {
        guard let expected = try? authenticate(message, key: key) else { return false }
        return SecretComparison.areEqual(code, expected)
    }
}
