package import Core
import Crypto
package import EventLoop
import HTTPCodec

/// Finds the record of a key by the digest of its text. The key ring in Redis is one.
@LoopActor
package protocol KeyLookup {
    /// The same as far as it is known without asking; nil means that `owner` must be asked.
    func cachedOwner(ofKeyWithDigest digest: String) -> String?
    /// The name of the key's owner, nil when there is no such key or it may not be used; throws when nobody can tell.
    func owner(ofKeyWithDigest digest: String) async throws(GatewayError) -> String?
}

/// Decides who is asking: the master key, or a key of the ring. Keys are compared by digest and in constant time.
@LoopActor
struct Authenticator {
    private let masterDigest: SHA256Digest
    private let keyRing: (any KeyLookup)?

    init(masterKey: String, keyRing: (any KeyLookup)?) {
        masterDigest = SHA256Digest(of: masterKey)
        self.keyRing = keyRing
    }

    enum Verdict {
        /// The caller's name for logs and counters.
        case caller(String)
        /// Only the state knows; ask it for the key with this digest.
        case unknown(digest: String)
    }

    /// Decides at once where that is possible.
    func check(_ head: RequestHead) throws(GatewayError) -> Verdict {
        guard let key = presented(head), !key.isEmpty else {
            throw .invalid(
                nil,
                "You didn't provide an API key. Send it in an Authorization header: 'Bearer YOUR_KEY'.",
                code: .invalidAPIKey
            )
        }
        let digest = SHA256Digest(of: key)
        if SecretComparison.areEqual(digest.bytes, masterDigest.bytes) { return .caller("master") }
        guard let keyRing else { throw Self.incorrect }
        return keyRing.cachedOwner(ofKeyWithDigest: digest.hex).map { .caller($0) } ?? .unknown(digest: digest.hex)
    }

    func owner(ofKeyWithDigest digest: String) async throws(GatewayError) -> String {
        guard let owner = try await keyRing?.owner(ofKeyWithDigest: digest) else { throw Self.incorrect }
        return owner
    }

    private static var incorrect: GatewayError {
        .invalid(nil, "Incorrect API key provided.", code: .invalidAPIKey)
    }

    private func presented(_ head: RequestHead) -> ArraySlice<UInt8>? {
        if let value = head.first("authorization") {
            guard value.count > 7, value.prefix(7).equalsIgnoringCase("bearer ") else { return nil }
            return value.dropFirst(7).drop { $0 == UInt8(ascii: " ") }
        }
        // What Anthropic's and Azure's clients send.
        return head.first("x-api-key") ?? head.first("api-key")
    }
}
