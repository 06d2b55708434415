import Core
import Crypto

/// Basic credentials that were right a moment ago, so that a script's next request does not pay for scrypt.
///
/// They are kept as authentication codes under a key of this process, for the address they came from, and forgotten with
/// the first wrong ones from there: nobody may guess against this memory.
struct VerifiedCredentials {
    private struct Entry {
        let code: [UInt8]
        let until: Instant
    }

    private static let lifetime = Duration.seconds(60)
    private static let limit = 256

    private let key: [UInt8]
    private var entries: [String: Entry] = [:]

    init(key: [UInt8]) { self.key = key }

    mutating func holds(_ credentials: BasicCredentials, from address: String, at now: Instant) -> Bool {
        guard let entry = entries[address] else { return false }
        guard now < entry.until, HMACSHA256.isValid(entry.code, for: Self.message(credentials), key: key) else {
            entries[address] = nil
            return false
        }
        return true
    }

    mutating func remember(_ credentials: BasicCredentials, from address: String, at now: Instant) {
        guard let code = try? HMACSHA256.authenticate(Self.message(credentials), key: key) else { return }
        if entries.count >= Self.limit { entries.removeAll() }
        entries[address] = Entry(code: code, until: now.advanced(by: Self.lifetime))
    }

    /// The name's length keeps `a:b` and `c` apart from `a` and `b:c`.
    private static func message(_ credentials: BasicCredentials) -> [UInt8] {
        Array("\(credentials.username.utf8.count):\(credentials.username):\(credentials.password)".utf8)
    }
}
