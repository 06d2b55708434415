internal import EventLoop

/// Reports that have not been answered yet, oldest first, bounded.
struct ReportQueue {
    struct Item {
        let lease: Lease
        let outcome: Outcome
        /// When it is of no use any more, in milliseconds on the pool's clock.
        let expires: Int
        var isUnderWay = false
        /// For those who wait until Redis has drawn the consequences, or has failed to once.
        var waiter: (@LoopActor (Bool) -> Void)?
    }

    private var items: [Int: Item] = [:]
    private var oldest = 1
    private var newest = 0

    var count: Int { items.count }
    var isEmpty: Bool { items.isEmpty }

    subscript(number: Int) -> Item? { items[number] }

    mutating func append(_ item: Item) -> Int {
        newest += 1
        items[newest] = item
        return newest
    }

    mutating func update(_ number: Int, isUnderWay: Bool) {
        items[number]?.isUnderWay = isUnderWay
    }

    @discardableResult
    mutating func remove(_ number: Int) -> Item? { items.removeValue(forKey: number) }

    mutating func takeWaiter(_ number: Int) -> (@LoopActor (Bool) -> Void)? {
        defer { items[number]?.waiter = nil }
        return items[number]?.waiter
    }

    /// Gives the oldest one up.
    mutating func removeOldest() -> Item? {
        while oldest <= newest {
            defer { oldest += 1 }
            if let item = items.removeValue(forKey: oldest) { return item }
        }
        return nil
    }

    /// Forgets what has expired and returns how many that were, with the oldest of those that wait to be sent.
    mutating func sweep(now: Int, limit: Int) -> (expired: [Item], waiting: [Int]) {
        var expired: [Item] = []
        var waiting: [Int] = []
        for number in items.keys.sorted() {
            guard let item = items[number], !item.isUnderWay else { continue }
            if item.expires <= now {
                expired.append(item)
                items[number] = nil
            } else if waiting.count < limit {
                waiting.append(number)
            }
        }
        return (expired, waiting)
    }

    /// What has not been answered, in the order of its events.
    var all: [Item] { items.keys.sorted().compactMap { items[$0] } }
}
