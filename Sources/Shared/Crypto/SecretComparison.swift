internal import COpenSSL

/// Comparison whose time does not tell where two secrets begin to differ.
package enum SecretComparison {
    /// The lengths are no secret: different ones are different at once.
    package static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return unsafe CRYPTO_memcmp(left, right, left.count) == 0
    }

    package static func areEqual(_ left: String, _ right: String) -> Bool {
        areEqual(Array(left.utf8), Array(right.utf8))
    }
}
