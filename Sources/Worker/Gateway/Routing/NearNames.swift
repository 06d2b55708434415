/// Finds the names somebody may have meant.
enum NearNames {
    /// At most three names, nearest first, none that is far off.
    static func nearest(to name: String, among known: [String]) -> [String] {
        let wanted = Array(name.lowercased().utf8.prefix(100))
        let bare = tail(wanted)
        return
            known
            // A long list of an aggregator is not searched to its end: this runs between two turns of the loop.
            .prefix(2000)
            .map { candidate -> (name: String, distance: Int) in
                let other = Array(candidate.lowercased().utf8.prefix(100))
                return (candidate, min(distance(wanted, other), distance(bare, tail(other))))
            }
            .filter { $0.distance <= max(2, wanted.count / 3) }
            .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
            .prefix(3)
            .map(\.name)
    }

    private static func tail(_ name: [UInt8]) -> [UInt8] {
        name.lastIndex(of: UInt8(ascii: "/")).map { Array(name[($0 + 1)...]) } ?? name
    }

    /// How many letters must be added, removed or replaced to make one name the other.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let replaced = diagonal + (a == b ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[right.count]
    }
}
