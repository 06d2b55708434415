internal import Core

/// What a node of a cluster is asked to do, in a form that can be sent again elsewhere.
enum RedisCall: Sendable {
    case command([RedisArgument])
    case script(RedisScript, keys: [RedisArgument], arguments: [RedisArgument])

    /// The key that says which node is meant; nothing when any will do.
    var key: RedisArgument? {
        switch self {
        case .script(_, let keys, _): keys.first
        case .command(let arguments): Self.key(of: arguments)
        }
    }

    /// In nearly all commands the first argument is a key; these are the others.
    private static func key(of arguments: [RedisArgument]) -> RedisArgument? {
        guard arguments.count > 1, let name = arguments[0].upperCased else { return nil }
        switch name {
        case "PING", "ECHO", "TIME", "INFO", "ROLE", "SCRIPT", "PUBLISH", "PUBSUB", "CLIENT", "CONFIG", "CLUSTER",
            "COMMAND", "ACL", "DEBUG", "LATENCY", "SLOWLOG", "FUNCTION", "KEYS", "SCAN", "FLUSHALL", "FLUSHDB", "WAIT",
            "SELECT", "AUTH", "HELLO":
            return nil
        case "EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO":
            guard arguments.count > 3, arguments[2].upperCased != "0" else { return nil }
            return arguments[3]
        case "OBJECT", "XINFO", "XGROUP", "MEMORY", "BITOP", "ZUNION", "ZINTER", "ZDIFF", "ZINTERCARD", "SINTERCARD",
            "LMPOP", "ZMPOP":
            return arguments.count > 2 ? arguments[2] : nil
        case "XREAD", "XREADGROUP":
            guard let place = arguments.firstIndex(where: { $0.upperCased == "STREAMS" }), place + 1 < arguments.count
            else { return nil }
            return arguments[place + 1]
        default: return arguments[1]
        }
    }
}

extension RedisArgument {
    /// The argument as a word, for comparing; nothing for bytes.
    fileprivate var upperCased: String? {
        switch self {
        case .literal(let text): "\(text)".uppercased()
        case .text(let text): text.uppercased()
        case .integer(let number): String(number)
        case .bytes(let bytes): bytes.count > 32 ? nil : String(decoding: bytes, as: UTF8.self).uppercased()
        }
    }
}
