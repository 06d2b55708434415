/// What a cryptographic operation can report. It says nothing about why, since the difference helps an attacker only.
package enum CryptoError: Error, Sendable, Equatable {
    /// The sealed bytes are not what was sealed with this key and context.
    case notAuthentic
    /// The library refused, for lack of memory or because of parameters it does not take.
    case failed
}
