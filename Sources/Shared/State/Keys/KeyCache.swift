internal import Core

/// What a worker remembers of API keys, so that a known key costs no round trip and a flood of junk costs few.
///
/// Records are current while the worker hears of every change; once it may have missed one they are stale: still here,
/// to be used only when Redis cannot be asked, and only for a while.
struct KeyCache {
    private struct Entry {
        var record: KeyRecord
        var isCurrent: Bool
        /// The last moment at which the record is known to have been right; meaningful once it is stale.
        var confirmed: Instant
    }

    private let options: KeyRing.Options
    private var present: [String: Entry] = [:]
    private var absent: [String: Instant] = [:]
    /// Grows with every change heard of: what was read before a change must not be remembered after it.
    private(set) var changes = 0

    init(options: KeyRing.Options) {
        self.options = options
    }

    func current(_ digest: String) -> KeyRecord? {
        guard let entry = present[digest], entry.isCurrent else { return nil }
        return entry.record
    }

    func stale(_ digest: String, at now: Instant) -> KeyRecord? {
        guard let entry = present[digest], now < entry.confirmed.advanced(by: options.staleTime) else { return nil }
        return entry.record
    }

    func isAbsent(_ digest: String, at now: Instant) -> Bool {
        absent[digest].map { now < $0 } ?? false
    }

    /// Remembers what Redis said at `now`; `isCurrent` when changes are being heard of.
    mutating func store(_ record: KeyRecord?, for digest: String, isCurrent: Bool, at now: Instant) {
        guard let record else {
            present[digest] = nil
            makeRoomForAbsent(at: now)
            absent[digest] = now.advanced(by: options.absentTime)
            return
        }
        absent[digest] = nil
        // So many keys in use at once are not expected; forgetting them all costs one round trip each.
        if present.count >= options.presentLimit { present.removeAll(keepingCapacity: true) }
        present[digest] = Entry(record: record, isCurrent: isCurrent, confirmed: now)
    }

    /// Somebody has changed this key.
    mutating func forget(_ digest: String) {
        changes += 1
        present[digest] = nil
        absent[digest] = nil
    }

    /// Changes may have been missed, but none before `moment`, unless `moment` is missing.
    mutating func distrustAll(since moment: Instant?) {
        changes += 1
        absent.removeAll(keepingCapacity: true)
        for digest in present.keys {
            guard let entry = present[digest], entry.isCurrent else { continue }
            present[digest]?.isCurrent = false
            if let moment { present[digest]?.confirmed = max(moment, entry.confirmed) }
        }
    }

    private mutating func makeRoomForAbsent(at now: Instant) {
        guard absent.count >= options.absentLimit else { return }
        absent = absent.filter { now < $0.value }
        // Swept at each new key the flood would cost more than it may.
        if absent.count > options.absentLimit / 2 { absent.removeAll(keepingCapacity: true) }
    }
}
