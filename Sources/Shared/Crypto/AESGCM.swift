internal import COpenSSL

/// AES-256-GCM: keeps bytes secret and notices every change to them and to the context they were sealed for.
///
/// A sealed message is nonce, ciphertext, tag. The nonce is 96 random bits, good for 2^32 messages under one key.
package struct AESGCM: Sendable {
    package static let keyByteCount = 32
    static let nonceByteCount = 12
    static let tagByteCount = 16
    /// How much longer a sealed message is.
    package static let overhead = nonceByteCount + tagByteCount

    private let key: [UInt8]

    /// Nil unless the key has 32 bytes.
    package init?(key: [UInt8]) {
        guard key.count == Self.keyByteCount else { return nil }
        self.key = key
    }

    /// `context` is not kept; the same must be given to open, so that a sealed message cannot be moved elsewhere.
    package func seal(_ message: [UInt8], context: [UInt8] = []) throws(CryptoError) -> [UInt8] {
        try seal(message, context: context, nonce: SecureRandom.bytes(Self.nonceByteCount))
    }

    /// Never twice with the same nonce; apart from tests, only `seal(_:context:)` may call it.
    func seal(_ message: [UInt8], context: [UInt8], nonce: [UInt8]) throws(CryptoError) -> [UInt8] {
        let cipher = try AESGCMContext()
        try cipher.start(.seal, key: key, nonce: nonce)
        try cipher.authenticate(context)
        let text = try cipher.update(message)
        try cipher.finish()
        return nonce + text + (try cipher.tag())
    }

    package func open(_ sealed: [UInt8], context: [UInt8] = []) throws(CryptoError) -> [UInt8] {
        guard sealed.count >= Self.overhead else { throw .notAuthentic }
        let body = sealed[Self.nonceByteCount..<sealed.count - Self.tagByteCount]
        let cipher = try AESGCMContext()
        try cipher.start(.open, key: key, nonce: Array(sealed.prefix(Self.nonceByteCount)))
        try cipher.authenticate(context)
        let message = try cipher.update(Array(body))
        try cipher.expect(tag: Array(sealed.suffix(Self.tagByteCount)))
        do {
            try cipher.finish()
        } catch {
            throw .notAuthentic
        }
        return message
    }
}
