internal import Core
internal import JSON

/// Reading what the scripts say of accounts.
extension AccountState {
    /// Reads `{"id":…,"f":{fields},"c":{cool-downs}}`. `probeTime` is how long a probe of unknown age may hold, in
    /// milliseconds. Nothing when the text is not what the scripts write.
    init?(_ value: JSONValue, now: Int, probeTime: Int) {
        guard let id = value["id"]?.string, let members = value["f"]?.members else { return nil }
        var fields: [String: String] = [:]
        var suspicions: [FailureClass: Suspicion] = [:]
        for (key, value) in members {
            guard let name = key.string else { continue }
            let text = value.string ?? value.raw.text
            if name.hasPrefix("seen:"), let reason = FailureClass(rawValue: String(name.dropFirst(5))) {
                suspicions[reason] = Suspicion(text)
            } else {
                fields[name] = text
            }
        }
        self.init(id: id, fields: fields)
        self.suspicions = suspicions
        guard let records = value["c"]?.members else { return }
        for (key, value) in records {
            guard let field = key.string, let scope = Cooldown.Scope(field: field) else { continue }
            cooldowns[scope] = Cooldown(scope, value, now: now, probeTime: probeTime)
        }
    }

    init(id: String, fields: [String: String]) {
        self.init(id: id, origin: Account.Origin(rawValue: fields["origin"] ?? "") ?? .stored)
        version = fields["version"].flatMap { Int($0) } ?? 0
        isEnabled = fields["enabled"] == "1"
        isAbsent = fields["absent"] != nil
        reason = fields["reason"]
        weight = max(1, fields["weight"].flatMap { Int($0) } ?? 1)
        concurrency = fields["concurrency"].flatMap { Int($0) }
        note = fields["note"] ?? ""
        tags = Self.tags(fields["tags"])
        maskedCredential = fields["masked"] ?? ""
        sealedCredential = fields["credential"] ?? ""
        created = fields["created"].flatMap { Int($0) } ?? 0
        lastUsed = fields["lastUsed"].flatMap { Int($0) }
        failures = fields["failures"].flatMap { Int($0) } ?? 0
        streak = fields["streak"].flatMap { Int($0) } ?? 0
    }

    static func tags(_ text: String?) -> [String] {
        text?.split(separator: ",").map { String($0) } ?? []
    }
}

extension AccountState.Suspicion {
    fileprivate init?(_ text: String) {
        guard let parts = try? JSONDocument(parsing: Array(text.utf8)).root,
            let scope = parts[0]?.string, let request = parts[1]?.string, let digest = parts[2]?.string
        else { return nil }
        self.init(scope: scope, requestID: request, requestDigest: digest, time: parts[3]?.milliseconds ?? 0)
    }
}

extension Cooldown {
    fileprivate init?(_ scope: Scope, _ value: JSONValue, now: Int, probeTime: Int) {
        guard let until = value["u"]?.milliseconds,
            let reason = value["c"]?.string.flatMap({ FailureClass(rawValue: $0) })
        else { return nil }
        let probe = value["l"]?.string
        self.init(
            scope: scope,
            until: until,
            began: value["b"]?.milliseconds ?? until,
            reason: reason,
            requestID: value["q"]?.string ?? "",
            requestDigest: value["d"]?.string ?? "",
            evidenceDigest: value["e"]?.string ?? "",
            repeats: value["r"]?.int ?? 1,
            needsProbe: value["p"]?.bool ?? false,
            probe: probe,
            probeUntil: probe == nil ? 0 : now + probeTime,
            kept: value["k"]?.milliseconds ?? until
        )
    }
}

extension JSONValue {
    /// A number as Lua writes it: a large one may come with an exponent.
    var milliseconds: Int? {
        int ?? double.flatMap { Int(exactly: $0.rounded()) }
    }
}
