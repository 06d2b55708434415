import Core
import HTTPCodec

/// What a path below `/admin/api` names.
enum AdminRoute: Equatable, Sendable {
    case session
    case keys
    case key(String)
    case keyUsage(String)
    case budgetReset(String, Int)
    case pools
    case accounts(pool: String)
    case account(pool: String, id: String)
    case clearCooldown(pool: String, id: String)
    case accountTest(pool: String, id: String)
    case poolTest(String)
    case cooldowns
    case usage
    case logs
    case settings
    case setting(String)
    case workers
    case prices

    /// Nil when there is nothing at this path.
    init?(_ path: ArraySlice<UInt8>) {
        guard path.prefix(11).equals("/admin/api/") else { return nil }
        var parts: [String] = []
        for part in path.dropFirst(11).split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard let bytes = part.percentDecoded(), !bytes.isEmpty, bytes.count <= 256,
                let text = String(validating: bytes, as: UTF8.self)
            else { return nil }
            parts.append(text)
        }
        guard let route = Self.match(parts) else { return nil }
        self = route
    }

    private static func match(_ parts: [String]) -> AdminRoute? {
        guard let first = parts.first else { return nil }
        let second = parts.count > 1 ? parts[1] : ""
        switch (first, parts.count) {
        case ("session", 1): return .session
        case ("keys", 1): return .keys
        case ("keys", 2): return .key(second)
        case ("keys", 3) where parts[2] == "usage": return .keyUsage(second)
        case ("keys", 5) where parts[2] == "budgets" && parts[4] == "reset":
            return Int(parts[3]).map { .budgetReset(second, $0) }
        case ("pools", 1): return .pools
        case ("pools", 3) where parts[2] == "accounts": return .accounts(pool: second)
        case ("pools", 4) where parts[2] == "accounts": return .account(pool: second, id: parts[3])
        case ("pools", 5) where parts[2] == "accounts" && parts[4] == "clear-cooldown":
            return .clearCooldown(pool: second, id: parts[3])
        case ("pools", 5) where parts[2] == "accounts" && parts[4] == "test":
            return .accountTest(pool: second, id: parts[3])
        case ("pools", 3) where parts[2] == "test-all": return .poolTest(second)
        case ("cooldowns", 1): return .cooldowns
        case ("usage", 1): return .usage
        case ("logs", 1): return .logs
        case ("settings", 1): return .settings
        case ("settings", 2): return .setting(second)
        case ("workers", 1): return .workers
        case ("prices", 1): return .prices
        default: return nil
        }
    }

    var methods: [HTTPMethod] {
        switch self {
        case .session: [.get, .post, .delete]
        case .keys, .poolTest: [.get, .post]
        case .accounts: [.get, .post, .delete]
        case .key, .account: [.get, .patch, .delete]
        case .setting: [.get, .put, .delete]
        case .budgetReset, .clearCooldown, .accountTest: [.post]
        case .keyUsage, .pools, .cooldowns, .usage, .logs, .settings, .workers, .prices: [.get]
        }
    }
}
