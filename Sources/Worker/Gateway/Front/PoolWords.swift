import Core
import Crypto
import Providers
import State

/// Bearers that are no API keys and open one thing only, ChatGPT: codes of the operator's that stand for its pool, and,
/// where the operator lets them, callers' own tokens.
struct PoolWords: Sendable {
    private let codes: [[UInt8]]
    private let takesOwnTokens: Bool

    init(_ options: Configuration.Mirror = Configuration.Mirror()) {
        codes = options.poolCodes.map { SHA256Digest(of: $0).bytes }
        takesOwnTokens = options.takesOwnTokens
    }

    var isEmpty: Bool { codes.isEmpty && !takesOwnTokens }

    /// What stands for an API key where the bearer is one of these. A code may be followed by a comma and a workspace.
    func record(of bearer: String) -> KeyRecord? {
        if let record = record(ofCode: bearer) { return record }
        guard isOwnToken(bearer) else { return nil }
        return Self.record(kind: "own token", bearer)
    }

    func record(ofCode bearer: String) -> KeyRecord? {
        guard !codes.isEmpty else { return nil }
        let digest = SHA256Digest(of: bearer.prefix { $0 != "," }.utf8).bytes
        // All of them are compared, so that the time does not tell which one it is.
        var isCode = false
        for code in codes where SecretComparison.areEqual(code, digest) { isCode = true }
        return isCode ? Self.record(kind: "code", bearer) : nil
    }

    func isOwnToken(_ bearer: String) -> Bool {
        guard takesOwnTokens, case let kind = ChatGPTCredential(bearer).kind else { return false }
        if case .other = kind { return false }
        return true
    }

    /// Conversations, files and whatever else is the caller's go by a digest that is no key's.
    private static func record(kind: String, _ bearer: String) -> KeyRecord {
        let digest = SHA256Digest(of: "\(kind)\n\(bearer)").hex
        return KeyRecord(
            digest: digest,
            name: "\(kind) \(digest.prefix(8))",
            owner: kind,
            isEnabled: true,
            created: 0,
            expires: nil,
            models: ["chatgpt/*"]
        )
    }
}
