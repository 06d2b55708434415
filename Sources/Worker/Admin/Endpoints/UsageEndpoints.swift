import Core
import EventLoop
import State

/// What has been used, and the request log.
@LoopActor
struct UsageEndpoints {
    let ledger: Ledger
    let now: Int

    /// Usage by key, model, provider or account over a time, or of everything by the hour.
    func usage(_ request: AdminRequest) async throws(GatewayError) -> AdminAnswer {
        let query = try request.query(allowing: ["from", "to", "by", "each", "id"])
        let (first, last) = try hours(query)
        let name = query.text("by") ?? "model"
        guard let dimension = name == "hour" ? .provider : LedgerDimension(rawValue: name) else {
            throw .invalid("by", "'by' must be one of key, model, provider, account and hour.")
        }
        let period = try period(query, usual: name == "hour" ? .hour : .whole)
        let rows = try await ledger.usage(
            from: first,
            to: last,
            by: dimension,
            ids: query.text("id").map { [$0] } ?? [],
            each: period
        )
        if name == "hour" { return .list(Self.summed(rows)) { UsageJSON.write("all", $0.start, $0.sums, to: &$1) } }
        return .list(rows) { UsageJSON.write($0.id, $0.start, $0.sums, to: &$1) }
    }

    func log(_ request: AdminRequest) async throws(GatewayError) -> AdminAnswer {
        let query = try request.query(
            allowing: ["before", "limit", "key", "owner", "model", "provider", "account", "status", "request_id"]
        )
        var filter = LogFilter()
        filter.requestID = query.text("request_id")
        filter.key = query.text("key")
        filter.owner = query.text("owner")
        filter.model = query.text("model")
        filter.provider = query.text("provider")
        filter.account = query.text("account")
        filter.status = try query.text("status").map { text throws(GatewayError) in try Self.statuses(text) }
        let page = try await ledger.log(before: query.text("before"), count: try query.limit(), filter: filter)
        return .list(page.rows, next: page.next) { UsageJSON.write($0, to: &$1) }
    }

    /// A day up to now, unless the query says otherwise.
    private func hours(_ query: AdminQuery) throws(GatewayError) -> (LedgerHour, LedgerHour) {
        let range = 0...253_402_300_799
        let last = try query.integer("to", in: range) ?? now
        let first = try query.integer("from", in: range) ?? max(0, last - 86_400)
        guard first <= last else { throw .invalid("from", "'from' must not be after 'to'.") }
        return (LedgerHour(containing: first), LedgerHour(containing: last))
    }

    private func period(_ query: AdminQuery, usual: UsagePeriod) throws(GatewayError) -> UsagePeriod {
        guard let name = query.text("each") else { return usual }
        guard let period = UsagePeriod(rawValue: name) else {
            throw .invalid("each", "'each' must be one of hour, day and whole.")
        }
        return period
    }

    /// Every request counts once in each dimension, so all providers together are all there is.
    private static func summed(_ rows: [UsageRow]) -> [(start: Int, sums: UsageSums)] {
        var all: [(start: Int, sums: UsageSums)] = []
        for row in rows {
            if all.last?.start != row.start { all.append((row.start, UsageSums())) }
            all[all.count - 1].sums += row.sums
        }
        return all
    }

    /// `429`, or `4xx` for all that begin so.
    private static func statuses(_ text: String) throws(GatewayError) -> ClosedRange<Int> {
        if let status = Int(text), (100...999).contains(status) { return status...status }
        if text.utf8.count == 3, text.hasSuffix("xx"), let first = Int(text.prefix(1)), (1...9).contains(first) {
            return first * 100...first * 100 + 99
        }
        throw .invalid("status", "'status' must be a status such as 429, or a class such as 4xx.")
    }
}
