package import JSON
package import State

/// API keys and what they use as JSON, for the administration's answers and for the command line. The text of a key is not
/// part of it.
package enum KeyJSON {
    /// `now` is in seconds since 1970. `text` is the key itself, which only its maker ever sees.
    package static func write(_ key: KeyRecord, text: String? = nil, now: Int, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("object", "key")
        if let text { writer.member("key", text) }
        writer.member("digest", key.digest)
        writer.member("name", key.name)
        writer.member("owner", key.owner)
        writer.member("enabled", key.isEnabled)
        writer.member("usable", key.isUsable(at: now))
        writer.member("created", key.created)
        writer.member("expires", key.expires)
        writer.member("models", key.models)
        writer.key("limits")
        write(key.limits, to: &writer)
        writer.endObject()
    }

    package static func write(_ usage: KeyUsage, of digest: String, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("object", "key_usage")
        writer.member("digest", digest)
        write("requests_per_minute", usage.requests, to: &writer)
        write("tokens_per_minute", usage.tokens, to: &writer)
        write("concurrent", usage.open, to: &writer)
        writer.member("streams", usage.streams)
        writer.key("budgets")
        writer.beginArray()
        for (index, use) in usage.budgets.enumerated() {
            writer.beginObject()
            writer.member("index", index)
            writeTerms(of: use.budget, to: &writer)
            for (name, amount) in [
                ("spent", use.spent), ("reserved", use.reserved), ("remaining", use.remaining),
            ] as [(StaticString, Int)] {
                writer.key(name)
                write(amount, in: use.budget.unit, to: &writer)
            }
            writer.member("ends", use.ends)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }

    private static func write(_ limits: KeyLimits, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("requests_per_minute", limits.requestsPerMinute)
        writer.member("tokens_per_minute", limits.tokensPerMinute)
        writer.member("concurrent", limits.concurrentStreams)
        writer.key("budgets")
        writer.beginArray()
        for budget in limits.budgets {
            writer.beginObject()
            writeTerms(of: budget, to: &writer)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }

    private static func writeTerms(of budget: Budget, to writer: inout JSONWriter) {
        writer.key("amount")
        write(budget.amount, in: budget.unit, to: &writer)
        writer.member("unit", budget.unit.shown)
        writer.member("window", budget.window.rawValue)
    }

    private static func write(_ amount: Int, in unit: Budget.Unit, to writer: inout JSONWriter) {
        if unit == .money { writer.money(amount) } else { writer.integer(amount) }
    }

    private static func write(_ name: StaticString, _ amount: KeyUsage.Amount, to writer: inout JSONWriter) {
        writer.key(name)
        writer.beginObject()
        writer.member("used", amount.used)
        writer.member("limit", amount.limit)
        writer.member("remaining", amount.remaining)
        writer.endObject()
    }
}

extension Budget.Unit {
    /// The unit's name for people and programs outside.
    package var shown: String { self == .money ? "usd" : "tokens" }

    /// The unit of that name.
    package init?(shown: some StringProtocol) {
        switch shown {
        case "usd": self = .money
        case "tokens": self = .tokens
        default: return nil
        }
    }
}
