package import Core
internal import Redis

/// One row of the request log.
package struct LogRow: Sendable, Equatable {
    /// Where it stands in the log.
    package let id: String
    package let entry: LedgerEntry
}

/// Which rows are wanted; what is nil does not matter.
package struct LogFilter: Sendable {
    package var requestID: String?
    /// The digest of the key, or `master`.
    package var key: String?
    package var owner: String?
    package var model: String?
    package var provider: String?
    package var account: String?
    package var status: ClosedRange<Int>?

    package init() {}

    func matches(_ entry: LedgerEntry) -> Bool {
        (requestID.map { $0 == entry.requestID } ?? true) && (key.map { $0 == entry.keyDigest } ?? true)
            && (owner.map { $0 == entry.owner } ?? true) && (model.map { $0 == entry.model } ?? true)
            && (provider.map { $0 == entry.provider } ?? true) && (account.map { $0 == entry.account } ?? true)
            && (status.map { $0.contains(entry.status) } ?? true)
    }
}

/// Some rows, latest first.
package struct LogPage: Sendable {
    package let rows: [LogRow]
    /// Before which row the next page begins; nothing when the log has no more. A page may hold fewer rows than asked
    /// for, even none, and still not be the last: one page looks at a bounded part of the log.
    package let next: String?
}

extension Ledger {
    private static let rowsPerCall = 500
    private static let rowsPerPage = 10_000

    /// Rows of the log, latest first, from the row before `id` on.
    package func log(
        before id: String? = nil,
        count: Int = 100,
        filter: LogFilter = LogFilter()
    ) async throws(GatewayError) -> LogPage {
        guard id.map(Self.isRowID) ?? true else { throw .invalid("before", "This is no place in the log.") }
        let count = min(max(1, count), 1_000)
        var rows: [LogRow] = []
        var place = id
        var seen = 0
        while seen < Self.rowsPerPage {
            let found = try await readRows(before: place)
            seen += found.count
            for row in found {
                place = row.elements.first?.text ?? place
                guard let entry = Self.entry(row), let id = place, filter.matches(entry) else { continue }
                rows.append(LogRow(id: id, entry: entry))
                if rows.count == count { return LogPage(rows: rows, next: place) }
            }
            if found.count < Self.rowsPerCall { return LogPage(rows: rows, next: nil) }
        }
        return LogPage(rows: rows, next: place)
    }

    private func readRows(before place: String?) async throws(GatewayError) -> [RedisReply] {
        do throws(RedisError) {
            return try await redis.command(
                [
                    "XREVRANGE", .literal("millrace:{ledger}:log"), .text(place.map { "(" + $0 } ?? "+"), "-", "COUNT",
                    .integer(Self.rowsPerCall),
                ],
                timeout: .seconds(2)
            ).elements
        } catch {
            throw .stateUnavailable(error)
        }
    }

    /// Of a row, Redis lists its place and then its names and values.
    private static func entry(_ row: RedisReply) -> LedgerEntry? {
        guard row.elements.count == 2, row.elements[1].elements.count >= 2,
            let bytes = row.elements[1].elements[1].bytes
        else { return nil }
        return LedgerEntry(row: bytes)
    }

    private static func isRowID(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { UInt64($0) != nil }
    }
}
