internal import Core
internal import Crypto

/// Keeps credentials unreadable outside the process: AES-256-GCM under a key derived from the operator's secret.
///
/// A sealed text reads `v1:<key id>:<base64>`. The context it was sealed for, such as pool and account, must be named
/// again to open it, so that a credential cannot be moved to another place. To change the secret, give the old one as a
/// previous one: what it sealed still opens, and says that it should be sealed anew.
package struct Vault: Sendable {
    private let current: VaultKey
    private let previous: [VaultKey]

    private static let version = "v1"

    /// Derives the keys, once: a short secret costs some 50 ms.
    package init(secret: String, previous: [String] = []) throws(VaultError) {
        current = try VaultKey(secret: secret)
        var keys: [VaultKey] = []
        for old in previous { keys.append(try VaultKey(secret: old)) }
        self.previous = keys
    }

    /// The name of the key under which texts are sealed now.
    package var keyID: String { current.id }

    /// Seals `plain` for one place; each call gives another text.
    package func seal(_ plain: String, context: String) throws(VaultError) -> String {
        do throws(CryptoError) {
            let sealed = try current.cipher.seal(Array(plain.utf8), context: Array(context.utf8))
            return "\(Self.version):\(current.id):\(Base64.standard.encode(sealed))"
        } catch {
            throw .failed
        }
    }

    /// Opens a sealed text; `isCurrentKey` is false when it was sealed under a previous secret.
    package func open(
        _ sealed: String,
        context: String
    ) throws(VaultError) -> (plain: String, isCurrentKey: Bool) {
        let parts = sealed.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == Self.version, let bytes = Base64.standard.decode(String(parts[2])) else {
            throw .malformed
        }
        let isCurrent = parts[1] == current.id
        guard let key = isCurrent ? current : previous.first(where: { $0.id == parts[1] }) else { throw .unknownKey }
        do throws(CryptoError) {
            let plain = try key.cipher.open(bytes, context: Array(context.utf8))
            return (String(decoding: plain, as: UTF8.self), isCurrent)
        } catch {
            throw error == .notAuthentic ? .notAuthentic : .failed
        }
    }
}
