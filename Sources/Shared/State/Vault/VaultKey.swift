internal import Crypto

/// A key derived from one secret, with the name that is stored beside everything sealed under it.
struct VaultKey: Sendable {
    /// Eight hexadecimal digits that tell keys apart and nothing about them.
    let id: String
    let cipher: AESGCM

    /// As many random bytes as the key has need no stretching; anything shorter may be somebody's password.
    private static let strongSecretBytes = 32
    private static let salt = Array("millrace vault 1".utf8)

    init(secret: String) throws(VaultError) {
        guard !secret.isEmpty else { throw .emptySecret }
        do throws(CryptoError) {
            let key = try Self.derive(secret)
            guard let cipher = AESGCM(key: key) else { throw .failed }
            self.cipher = cipher
            id = Hex.encode(try HMACSHA256.authenticate(Array("key id".utf8), key: key).prefix(4))
        } catch {
            throw .failed
        }
    }

    /// HKDF with SHA-256 (RFC 5869), one block long, over the secret or over what scrypt makes of a short one.
    private static func derive(_ secret: String) throws(CryptoError) -> [UInt8] {
        var material = Array(secret.utf8)
        if material.count < strongSecretBytes {
            material = try PasswordKey.derive(password: secret, salt: salt)
        }
        let extracted = try HMACSHA256.authenticate(material, key: salt)
        return try HMACSHA256.authenticate(Array("credentials".utf8) + [1], key: extracted)
    }
}
