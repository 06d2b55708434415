package import Core
internal import EventLoop
internal import Redis

/// What to change about a key; what is left out stays.
package struct KeyChanges: Sendable {
    package enum Expiry: Sendable {
        case never
        /// Seconds since 1970.
        case at(Int)
    }

    package var name: String?
    package var owner: String?
    package var isEnabled: Bool?
    package var models: [String]?
    package var expiry: Expiry?
    package var limits: KeyLimitChanges?

    package init(
        name: String? = nil,
        owner: String? = nil,
        isEnabled: Bool? = nil,
        models: [String]? = nil,
        expiry: Expiry? = nil,
        limits: KeyLimitChanges? = nil
    ) {
        self.name = name
        self.owner = owner
        self.isEnabled = isEnabled
        self.models = models
        self.expiry = expiry
        self.limits = limits
    }

    /// Fields to write and fields to forget.
    fileprivate var fields: (present: [RedisArgument], absent: [RedisArgument]) {
        var (present, absent) = limits?.fields ?? ([], [])
        if let name { present += ["name", .text(name)] }
        if let owner { present += ["owner", .text(owner)] }
        if let isEnabled { present += ["enabled", isEnabled ? "1" : "0"] }
        if let models {
            if models.isEmpty {
                absent.append("models")
            } else {
                present += ["models", .text(models.joined(separator: ","))]
            }
        }
        switch expiry {
        case nil: break
        case .never: absent.append("expires")
        case .at(let moment): present += ["expires", .integer(moment)]
        }
        return (present, absent)
    }
}

extension KeyRing {
    /// Changes a key everywhere at once and returns what it is now; nothing when there is no such key.
    package func update(_ digest: String, _ changes: KeyChanges) async throws(GatewayError) -> KeyRecord? {
        try Self.check(owner: changes.owner, models: changes.models, limits: changes.limits?.asLimits)
        let (present, absent) = changes.fields
        let reply = try await evaluate(
            StateScripts.updateKey,
            keys: [.text(Self.prefix + digest)],
            arguments: [.text(digest), .text(Self.channel), .integer(present.count)] + present + absent
        )
        cache.forget(digest)
        return KeyRecord(digest: digest, fields: reply.fields)
    }

    /// The keys whose digest begins so, at most ten: people copy the beginning of a digest from a list. Looks through all
    /// keys, in steps that keep nobody waiting.
    package func find(_ digestPrefix: String) async throws(GatewayError) -> [KeyRecord] {
        let prefix = digestPrefix.lowercased()
        guard !prefix.isEmpty, prefix.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) }) else { return [] }
        do throws(RedisError) {
            var digests: Set<String> = []
            var cursor = "0"
            repeat {
                let page = try await redis.command(
                    ["ZSCAN", .literal(Self.list), .text(cursor), "MATCH", .text(prefix + "*"), "COUNT", 1_000],
                    timeout: .seconds(2)
                ).elements
                guard page.count == 2 else { break }
                cursor = page[0].text ?? "0"
                // Members and scores in turn.
                for place in stride(from: 0, to: page[1].elements.count, by: 2) {
                    page[1].elements[place].text.map { _ = digests.insert($0) }
                }
            } while cursor != "0" && digests.count < 10
            var found: [KeyRecord] = []
            for digest in digests.sorted().prefix(10) {
                let reply = try await redis.command(["HGETALL", .text(Self.prefix + digest)], timeout: .seconds(2))
                if let record = KeyRecord(digest: digest, fields: reply.fields) { found.append(record) }
            }
            return found
        } catch {
            throw .stateUnavailable(error)
        }
    }
}
