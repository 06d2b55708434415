internal import COpenSSL

/// Owns the library's state of one sealing or opening.
@safe
struct AESGCMContext: ~Copyable {
    enum Direction: Int32 { case open = 0, seal = 1 }

    private let context: OpaquePointer

    init() throws(CryptoError) {
        guard let context = unsafe EVP_CIPHER_CTX_new() else { throw .failed }
        unsafe self.context = context
    }

    deinit { unsafe EVP_CIPHER_CTX_free(context) }

    func start(_ direction: Direction, key: [UInt8], nonce: [UInt8]) throws(CryptoError) {
        precondition(
            key.count == AESGCM.keyByteCount && nonce.count == AESGCM.nonceByteCount,
            "AES-256-GCM's own sizes"
        )
        // 96 bits are the mode's default nonce length.
        guard unsafe EVP_CipherInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce, direction.rawValue) == 1 else {
            throw .failed
        }
    }

    /// Bytes that are covered by the tag but not part of the message.
    func authenticate(_ bytes: [UInt8]) throws(CryptoError) {
        guard !bytes.isEmpty else { return }
        var written: Int32 = 0
        let count = try Self.length(of: bytes)
        guard unsafe EVP_CipherUpdate(context, nil, &written, bytes, count) == 1 else { throw .failed }
    }

    func update(_ bytes: [UInt8]) throws(CryptoError) -> [UInt8] {
        guard !bytes.isEmpty else { return [] }
        var output = [UInt8](repeating: 0, count: bytes.count)
        var written: Int32 = 0
        let count = try Self.length(of: bytes)
        guard unsafe EVP_CipherUpdate(context, &output, &written, bytes, count) == 1, written == count else {
            throw .failed
        }
        return output
    }

    /// When opening, fails unless the tag is right. The mode is a stream: nothing more is written here.
    func finish() throws(CryptoError) {
        var rest = [UInt8](repeating: 0, count: AESGCM.tagByteCount)
        var written: Int32 = 0
        guard unsafe EVP_CipherFinal_ex(context, &rest, &written) == 1 else { throw .failed }
    }

    func tag() throws(CryptoError) -> [UInt8] {
        var tag = [UInt8](repeating: 0, count: AESGCM.tagByteCount)
        guard unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tag.count), &tag) == 1 else {
            throw .failed
        }
        return tag
    }

    func expect(tag: [UInt8]) throws(CryptoError) {
        var tag = tag
        guard unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), &tag) == 1 else {
            throw .failed
        }
    }

    private static func length(of bytes: [UInt8]) throws(CryptoError) -> Int32 {
        guard let count = Int32(exactly: bytes.count) else { throw .failed }
        return count
    }
}
