package import Core
internal import JSON
package import State

/// What became of many accounts to add.
package struct AccountCounts: Sendable, Equatable {
    package var added = 0
    /// In the pool before, or given twice.
    package var duplicates = 0
    package var empty = 0
    package var invalid = 0

    package init(_ results: some Sequence<Result<Account, GatewayError>>, empty: Int) {
        self.empty = empty
        for result in results {
            switch result {
            case .success: added += 1
            case .failure(let error) where error.code == .conflict: duplicates += 1
            case .failure: invalid += 1
            }
        }
    }

    func writeMembers(to writer: inout JSONWriter) {
        writer.member("added", added)
        writer.member("duplicates", duplicates)
        writer.member("empty", empty)
        writer.member("invalid", invalid)
    }
}
