internal import COpenSSL

/// SHA3-512 of many short messages, one after the other, without an allocation for each.
@safe
package struct SHA3Hasher: ~Copyable {
    package static let byteCount = 64

    private let context: OpaquePointer

    package init() throws(CryptoError) {
        guard let context = unsafe EVP_MD_CTX_new() else { throw .failed }
        // The algorithm is looked up once; later messages start with what is there.
        guard unsafe EVP_DigestInit_ex(context, EVP_sha3_512(), nil) == 1 else {
            unsafe EVP_MD_CTX_free(context)
            throw .failed
        }
        unsafe self.context = context
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    /// Puts the digest of the two texts behind one another into `digest`, which gets its 64 bytes.
    package func hash(_ first: [UInt8], _ second: [UInt8], into digest: inout [UInt8]) throws(CryptoError) {
        if digest.count != Self.byteCount { digest = [UInt8](repeating: 0, count: Self.byteCount) }
        guard unsafe EVP_DigestInit_ex(context, nil, nil) == 1,
            unsafe EVP_DigestUpdate(context, first, first.count) == 1,
            unsafe EVP_DigestUpdate(context, second, second.count) == 1,
            unsafe EVP_DigestFinal_ex(context, &digest, nil) == 1
        else { throw .failed }
    }
}
