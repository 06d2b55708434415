internal import EventLoop

/// Sends what the connections have gathered, once at the end of each turn of the loop, so that all commands of a turn
/// leave in one system call per connection.
@LoopActor
enum TurnFlush {
    private static var waiting: [RedisConnection] = []
    private static var isInstalled = false

    static func add(_ connection: RedisConnection) {
        if !isInstalled {
            isInstalled = true
            LoopExecutor.shared.atEndOfTurn { run() }
        }
        waiting.append(connection)
    }

    private static func run() {
        guard !waiting.isEmpty else { return }
        // A failing write tells its owner, who may want to send elsewhere: what arrives now goes behind the others.
        var place = 0
        while place < waiting.count {
            waiting[place].flush()
            place += 1
        }
        waiting.removeAll(keepingCapacity: true)
    }
}
