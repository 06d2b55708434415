/// Sums of requests whose rows had to be given up, by hour, dimension and id; bounded in hours and ids without losing
/// any sum.
struct LedgerTally {
    struct Series: Hashable {
        let hour: LedgerHour
        let dimension: LedgerDimension
        let id: String
    }

    private let hourLimit: Int
    private let idLimit: Int
    private var sums: [LedgerHour: [LedgerDimension: [String: UsageSums]]] = [:]

    init(hourLimit: Int, idLimit: Int) {
        self.hourLimit = max(1, hourLimit)
        self.idLimit = max(1, idLimit)
    }

    var isEmpty: Bool { sums.isEmpty }

    mutating func add(_ entry: LedgerEntry) {
        let amounts = UsageSums(entry)
        let hour = LedgerHour(containing: entry.time)
        for dimension in LedgerDimension.allCases { add(amounts, hour, dimension, entry.id(in: dimension)) }
        guard sums.count > hourLimit, let oldest = sums.keys.min(), let past = sums.removeValue(forKey: oldest),
            let next = sums.keys.min()
        else { return }
        // The wrong hour is better than no hour: budgets and bills look at longer times.
        for (dimension, ids) in past {
            for (id, amounts) in ids { add(amounts, next, dimension, id) }
        }
    }

    /// Takes up to `count` series.
    mutating func take(_ count: Int) -> [(series: Series, sums: UsageSums)] {
        var taken: [(series: Series, sums: UsageSums)] = []
        while taken.count < count, let (hour, dimensions) = sums.first {
            guard let (dimension, ids) = dimensions.first else {
                sums[hour] = nil
                continue
            }
            for (id, amounts) in ids.prefix(count - taken.count) {
                taken.append((Series(hour: hour, dimension: dimension, id: id), amounts))
                sums[hour]?[dimension]?[id] = nil
            }
            if sums[hour]?[dimension]?.isEmpty ?? false { sums[hour]?[dimension] = nil }
            if sums[hour]?.isEmpty ?? false { sums[hour] = nil }
        }
        return taken
    }

    private mutating func add(_ amounts: UsageSums, _ hour: LedgerHour, _ dimension: LedgerDimension, _ id: String) {
        let ids = sums[hour]?[dimension]
        let isKnown = ids?[id] != nil || (ids?.count ?? 0) < idLimit
        sums[hour, default: [:]][dimension, default: [:]][isKnown ? id : LedgerID.other, default: UsageSums()] +=
            amounts
    }
}
