import Core
import Crypto
import EventLoop
import HTTPCodec
import State

/// Who is asking.
enum Caller {
    /// The operator, with the master key.
    case master
    case key(KeyRecord)

    /// For logs and counters.
    var name: String {
        switch self {
        case .master: "master"
        case .key(let record): record.name
        }
    }

    var record: KeyRecord? {
        if case .key(let record) = self { record } else { nil }
    }

    func allows(model: String) -> Bool { record?.allows(model: model) ?? true }
}

/// Decides who is asking: the master key, or a key of the ring. Keys are compared by digest and in constant time.
@LoopActor
struct Authenticator {
    private let masterDigest: SHA256Digest
    private let keyRing: KeyRing?
    private let words: PoolWords

    init(masterKey: String, keyRing: KeyRing?, words: PoolWords = PoolWords()) {
        masterDigest = SHA256Digest(of: masterKey)
        self.keyRing = keyRing
        self.words = words
    }

    enum Verdict {
        case caller(Caller)
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
        if SecretComparison.areEqual(digest.bytes, masterDigest.bytes) { return .caller(.master) }
        if !words.isEmpty, let record = words.record(of: key.text) { return .caller(.key(record)) }
        guard let keyRing else { throw Self.incorrect }
        let name = digest.hex
        return keyRing.known(name).map { .caller(.key($0)) } ?? .unknown(digest: name)
    }

    enum Holder {
        case caller(Caller)
        case nobody
    }

    /// Whose word this is, where it is shown in another place than a request to the API.
    func holder(of word: String) async throws(GatewayError) -> Holder {
        let digest = SHA256Digest(of: word)
        if SecretComparison.areEqual(digest.bytes, masterDigest.bytes) { return .caller(.master) }
        if let record = words.record(ofCode: word) { return .caller(.key(record)) }
        guard let record = try await keyRing?.authenticate(digest.hex) else { return .nobody }
        return .caller(.key(record))
    }

    /// What a caller has brought in place of a key: a token of its own, or a workspace behind a code.
    func brought(_ head: RequestHead, by caller: Caller) -> (token: String?, workspace: String?) {
        guard !words.isEmpty, let record = caller.record, let text = presented(head)?.text,
            words.record(of: text)?.digest == record.digest
        else { return (nil, nil) }
        if words.isOwnToken(text) { return (text, nil) }
        return (nil, text.firstIndex(of: ",").map { String(text[$0...].dropFirst()) })
    }

    func caller(ofKeyWithDigest digest: String) async throws(GatewayError) -> Caller {
        guard let record = try await keyRing?.authenticate(digest) else { throw Self.incorrect }
        return .key(record)
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
