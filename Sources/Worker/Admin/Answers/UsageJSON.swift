internal import Core
package import JSON
package import State

/// Usage and the request log as JSON, for the administration's answers and for the command line.
package enum UsageJSON {
    /// What `id` used in the time that began at `start`.
    package static func write(_ id: String, _ start: Int, _ sums: UsageSums, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", id)
        writer.member("start", start)
        write(sums, to: &writer)
        writer.endObject()
    }

    private static func write(_ sums: UsageSums, to writer: inout JSONWriter) {
        writer.member("requests", sums.requests)
        writer.member("errors", sums.errors)
        writer.member("streams", sums.streams)
        writer.member("prompt_tokens", sums.prompt)
        writer.member("cached_tokens", sums.cached)
        writer.member("cache_write_tokens", sums.cacheWrite)
        writer.member("completion_tokens", sums.completion)
        writer.member("reasoning_tokens", sums.reasoning)
        writer.key("cost_usd")
        writer.money(sums.cost)
        writer.member("unpriced", sums.unpriced)
        writer.member("estimated", sums.estimated)
        writer.member("milliseconds", sums.milliseconds)
        writer.member("upstream_calls", sums.upstreamCalls)
    }

    static func write(_ row: LogRow, to writer: inout JSONWriter) {
        let entry = row.entry
        writer.beginObject()
        writer.member("id", row.id)
        writer.member("request_id", entry.requestID)
        writer.member("time", entry.time)
        writer.member("key", entry.keyDigest)
        writer.member("key_name", entry.keyName)
        writer.member("owner", entry.owner)
        writer.member("route", entry.route)
        writer.member("model", entry.model)
        writer.member("provider", entry.provider)
        writer.member("upstream_model", entry.upstreamModel)
        writer.member("account", entry.account)
        writer.member("status", entry.status)
        writer.member("end", entry.end)
        writer.member("error", entry.error)
        writer.member("stream", entry.isStream)
        writer.member("milliseconds", entry.durationMS)
        writer.member("first_byte_milliseconds", entry.firstByteMS)
        writer.member("upstream_calls", entry.upstreamCalls)
        writer.member("chunks", entry.chunks)
        writer.key("usage")
        if let usage = entry.usage {
            writer.beginObject()
            writer.member("prompt_tokens", usage.prompt)
            writer.member("cached_tokens", usage.cached)
            writer.member("cache_write_tokens", usage.cacheWrite)
            writer.member("completion_tokens", usage.completion)
            writer.member("reasoning_tokens", usage.reasoning)
            writer.member("estimated", entry.isEstimated)
            writer.endObject()
        } else {
            writer.null()
        }
        writer.key("cost_usd")
        if let cost = entry.cost { writer.money(cost) } else { writer.null() }
        writer.endObject()
    }
}

extension JSONWriter {
    /// Dollars as an exact decimal number.
    mutating func money(_ nanoDollars: Int) { number(Money.dollars(nanoDollars)) }

    /// A number whose text is known to be one.
    mutating func number(_ text: String) { raw(.bytes(Array(text.utf8))) }
}
