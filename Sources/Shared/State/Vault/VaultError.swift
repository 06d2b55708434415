/// Why a stored secret cannot be sealed or read. It says nothing of the secret.
package enum VaultError: Error, Sendable, Equatable {
    /// A secret to derive keys from is missing.
    case emptySecret
    /// The library refused to work.
    case failed
    /// What is stored is not what the vault writes.
    case malformed
    /// Sealed under a secret that is neither the current one nor among the previous ones.
    case unknownKey
    /// Sealed for another place, or changed since.
    case notAuthentic
}
