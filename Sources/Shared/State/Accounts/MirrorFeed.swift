/// Where a mirror stands in the sequence of a pool's changes.
///
/// Pages and announcements come over different connections, so that a change may be heard of before the page it is in,
/// or after. The state of an account is taken when it is at least as new as the one known; the sequence tells whether
/// any change has been missed.
struct MirrorFeed {
    enum Step { case take, ignore, missed }

    private(set) var epoch = ""
    private(set) var version = 0
    /// The mirror has been filled once.
    private(set) var isFilled = false
    private(set) var isReading = false
    private var heardFirst: Int?
    private var heardLast: Int?
    /// The versions in which accounts were removed while pages were being read.
    private(set) var removed: [String: Int] = [:]
    /// Accounts found while reading.
    private(set) var found: Set<String> = []

    mutating func beginReading() {
        isReading = true
        heardFirst = nil
        heardLast = nil
        removed = [:]
        found = []
    }

    mutating func stopReading() {
        isReading = false
    }

    /// A change was announced.
    mutating func heard(_ change: Int) -> Step {
        if isReading {
            if heardFirst == nil { heardFirst = change }
            heardLast = change
            return .take
        }
        guard isFilled, change > version else { return .ignore }
        guard change == version + 1 else { return .missed }
        version = change
        return .take
    }

    mutating func heardRemoval(of id: String, _ change: Int) {
        if isReading { removed[id] = change }
    }

    /// The first page was read; false when Redis' memory is another one than before, or an older one, as after a failover:
    /// then all known states are of no use.
    mutating func began(epoch: String, version: Int) -> Bool {
        let isSame = !isFilled || (epoch == self.epoch && version >= self.version)
        self.epoch = epoch
        self.version = version
        return isSame
    }

    mutating func foundPage(_ ids: [String]) { found.formUnion(ids) }

    /// All pages were read; false when a change was missed in between.
    mutating func finishReading() -> Bool {
        isReading = false
        if let heardFirst, heardFirst > version + 1 { return false }
        version = max(version, heardLast ?? version)
        isFilled = true
        found = []
        removed = [:]
        return true
    }
}
