internal import Redis

/// What is known of an API key. The key itself is nowhere; its SHA-256 stands for it.
package struct KeyRecord: Sendable, Equatable {
    /// The SHA-256 of the key in 64 hexadecimal digits.
    package let digest: String
    package let name: String
    /// Who answers for what the key does; limits, conversations and logs go by it.
    package let owner: String
    package let isEnabled: Bool
    /// Seconds since 1970.
    package let created: Int
    /// Seconds since 1970; the key is worthless from then on.
    package let expires: Int?
    /// The models the key may use; none listed means all. A name that ends in `*` means all that begin like it.
    package let models: [String]
    package let limits: KeyLimits

    package init(
        digest: String,
        name: String,
        owner: String,
        isEnabled: Bool,
        created: Int,
        expires: Int?,
        models: [String],
        limits: KeyLimits = KeyLimits()
    ) {
        self.digest = digest
        self.name = name
        self.owner = owner
        self.isEnabled = isEnabled
        self.created = created
        self.expires = expires
        self.models = models
        self.limits = limits
    }

    package func isUsable(at now: Int) -> Bool {
        isEnabled && expires.map { now < $0 } ?? true
    }

    package func allows(model: String) -> Bool {
        models.isEmpty
            || models.contains { $0.utf8.last == UInt8(ascii: "*") ? model.hasPrefix($0.dropLast()) : model == $0 }
    }
}

extension KeyRecord {
    /// Reads the record's hash. Fields of other versions are left alone. A hash without an owner is no record: better to refuse a key than to serve it as nobody's.
    init?(digest: String, fields: [String: String]) {
        guard let owner = fields["owner"], !owner.isEmpty else { return nil }
        self.init(
            digest: digest,
            name: fields["name"] ?? "",
            owner: owner,
            isEnabled: fields["enabled"] == "1",
            created: fields["created"].flatMap { Int($0) } ?? 0,
            // A date that cannot be read is in the past, for the same reason.
            expires: fields["expires"].map { Int($0) ?? 0 },
            models: fields["models"]?.split(separator: ",").map { String($0) } ?? [],
            limits: KeyLimits(fields: fields)
        )
    }

    /// The record as names and values of its hash.
    var fields: [RedisArgument] {
        var fields: [RedisArgument] = [
            "name", .text(name), "owner", .text(owner), "enabled", isEnabled ? "1" : "0", "created", .integer(created),
        ]
        if let expires { fields += ["expires", .integer(expires)] }
        if !models.isEmpty { fields += ["models", .text(models.joined(separator: ","))] }
        return fields + limits.fields
    }
}
