/// By what usage is counted.
package enum LedgerDimension: String, Sendable, CaseIterable {
    case key, model, provider, account
}

/// What stands for everything whose name is unknown, and for what does not fit any more.
enum LedgerID {
    /// The request had no such thing: every request counts once in each dimension, so that all have the same total.
    static let none = "-"
    /// Too many different ids in one hour.
    static let other = "other"
    /// Longer ids, which only clients think up, are cut.
    static let limit = 120
}

extension LedgerEntry {
    func id(in dimension: LedgerDimension) -> String {
        let id =
            switch dimension {
            case .key: keyDigest
            case .model: model
            case .provider: provider
            case .account: account
            }
        return id.isEmpty ? LedgerID.none : id.clipped(to: LedgerID.limit)
    }
}
