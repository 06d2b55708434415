internal import EventLoop

/// What one turn of the loop has for one API key goes to Redis in one call of a script for all that begins and one for
/// all that has ended. Under load that is most of what limits cost, here and in Redis: the scripts read and write the same
/// few keys, however many charges they are about.
extension RateLimits {
    /// So many charges in a call: long enough to share its cost, short enough that nobody waits for Redis meanwhile.
    static let batchLimit = 100

    func flushLater(_ key: LimitedKey) {
        // A key is in the list as soon as something of it waits.
        if key.reservations.count + key.settlements.count == 1 { unsent.append(key) }
        guard !willFlush else { return }
        willFlush = true
        // Runs when the turn's sockets and tasks are done; what it sends leaves with everything else of the turn.
        Task { @LoopActor in
            willFlush = false
            flush()
        }
    }

    /// Sends what has been gathered. What ends makes room for what begins, so it goes first.
    func flush() {
        guard !unsent.isEmpty else { return }
        let keys = unsent
        unsent.removeAll(keepingCapacity: true)
        for key in keys {
            sendSettlements(of: key)
            sendReservations(of: key)
        }
    }
}
