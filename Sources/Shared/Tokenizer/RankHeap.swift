/// The pairs of a long piece, lowest rank first and leftmost of equals. A pair that has changed is entered anew; its old entry
/// is for the taker to recognise.
struct RankHeap {
    /// Rank above, place below, so that one comparison orders both.
    private var entries: [UInt64] = []

    /// Begins with every place that has a rank.
    mutating func fill(_ ranks: [UInt32]) {
        entries.removeAll()
        for (place, rank) in ranks.enumerated() where rank != .max {
            entries.append(UInt64(rank) << 32 | UInt64(place))
        }
        var at = entries.count / 2
        while at > 0 {
            at -= 1
            sink(at)
        }
    }

    mutating func push(_ rank: UInt32, _ place: Int) {
        let entry = UInt64(rank) << 32 | UInt64(place)
        var at = entries.count
        entries.append(entry)
        while at > 0 {
            let parent = (at - 1) / 2
            if entries[parent] <= entry { break }
            entries[at] = entries[parent]
            at = parent
        }
        entries[at] = entry
    }

    mutating func popLowest() -> (rank: UInt32, place: Int)? {
        guard let lowest = entries.first, let last = entries.popLast() else { return nil }
        if !entries.isEmpty {
            entries[0] = last
            sink(0)
        }
        return (UInt32(lowest >> 32), Int(lowest & 0xFFFF_FFFF))
    }

    private mutating func sink(_ start: Int) {
        let entry = entries[start]
        var at = start
        while true {
            var child = 2 * at + 1
            if child >= entries.count { break }
            if child + 1 < entries.count, entries[child + 1] < entries[child] { child += 1 }
            if entries[child] >= entry { break }
            entries[at] = entries[child]
            at = child
        }
        entries[at] = entry
    }
}
