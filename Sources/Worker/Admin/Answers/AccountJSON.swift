package import Core
package import JSON
package import State

/// What an account is fit for now.
package enum AccountStanding: String, Sendable {
    case ready
    /// The whole account rests; single models may rest in a ready one.
    case cooling
    case disabled
    /// It was in some worker's environment and is in none any more.
    case absent

    /// `now` is in seconds since 1970.
    package init(_ account: Account, now: Int) {
        if !account.isEnabled {
            self = .disabled
        } else if account.isAbsent {
            self = .absent
        } else {
            self = account.activeCooldowns(now: now).contains { $0.scope == .account } ? .cooling : .ready
        }
    }
}

extension Account {
    /// The cool-downs that have not ended.
    package func activeCooldowns(now: Int) -> [Cooldown] { cooldowns.filter { $0.until > now * 1000 } }
}

/// Accounts as JSON, for the administration's answers and for the command line. Credentials are masked, always.
package enum AccountJSON {
    /// `tested` is what came of its latest test.
    package static func write(
        _ account: Account,
        tested: Examination? = nil,
        now: Int,
        to writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.member("object", "account")
        writer.member("id", account.id)
        writer.member("pool", account.pool)
        writer.member("origin", account.origin.rawValue)
        writer.member("credential", account.maskedCredential)
        writer.member("note", account.note)
        writer.member("tags", account.tags)
        writer.member("weight", account.weight)
        writer.member("concurrency", account.concurrency)
        writer.member("enabled", account.isEnabled)
        writer.member("disabled_reason", account.disabledReason)
        writer.member("state", AccountStanding(account, now: now).rawValue)
        writer.member("created", account.created / 1000)
        writer.member("last_used", account.lastUsed.map { $0 / 1000 })
        writer.member("failures", account.failures)
        writer.key("cooldowns")
        writer.beginArray()
        for cooldown in account.activeCooldowns(now: now) { write(cooldown, of: nil, now: now, to: &writer) }
        writer.endArray()
        writer.key("test")
        if let tested { tested.write(to: &writer) } else { writer.null() }
        writer.endObject()
    }

    /// What became of one of several accounts to remove.
    static func write(removed id: String, _ result: Result<Bool, GatewayError>, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("object", "account")
        writer.member("id", id)
        switch result {
        case .success(let wasThere):
            writer.member("deleted", wasThere)
            if !wasThere { writer.member("code", GatewayError.Code.notFound.rawValue) }
        case .failure(let error):
            writer.member("deleted", false)
            writer.member("code", error.label)
            writer.member("message", error.message)
        }
        writer.endObject()
    }

    /// With `account` for a list of cool-downs of many.
    static func write(_ cooldown: Cooldown, of account: Account?, now: Int, to writer: inout JSONWriter) {
        writer.beginObject()
        if let account {
            writer.member("pool", account.pool)
            writer.member("account", account.id)
            writer.member("credential", account.maskedCredential)
            writer.member("note", account.note)
        }
        switch cooldown.scope {
        case .account:
            writer.member("scope", "account")
            writer.member("model", JSONFragment.null)
        case .model(let model):
            writer.member("scope", "model")
            writer.member("model", model)
        }
        writer.member("reason", cooldown.reason.rawValue)
        writer.member("began", cooldown.began / 1000)
        writer.member("until", (cooldown.until + 999) / 1000)
        writer.member("remaining_seconds", max(0, (cooldown.until - now * 1000 + 999) / 1000))
        writer.member("repeats", cooldown.repeats)
        writer.member("needs_probe", cooldown.needsProbe)
        writer.member("request_id", cooldown.requestID)
        writer.member("evidence", cooldown.evidenceDigest)
        writer.endObject()
    }

    /// What became of one of several accounts to add.
    package static func write(_ result: Result<Account, GatewayError>, line: Int, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("line", line)
        switch result {
        case .success(let account):
            writer.member("status", "added")
            writer.member("id", account.id)
            writer.member("credential", account.maskedCredential)
        case .failure(let error):
            writer.member("status", "refused")
            writer.member("code", error.label)
            writer.member("param", error.parameter)
            writer.member("message", error.message)
        }
        writer.endObject()
    }
}
