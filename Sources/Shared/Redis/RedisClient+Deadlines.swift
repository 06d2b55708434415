internal import Core
internal import EventLoop

/// One timer serves all deadlines: it is set to the earliest one and, when it fires, looks for the next. Answers in time
/// never touch it.
extension RedisClient {
    func watch(_ deadline: Instant, _ now: Instant) {
        guard deadline < nextDeadline else { return }
        nextDeadline = deadline
        deadlineTimer?.schedule(after: .nanoseconds(Int64(deadline.nanoseconds - min(deadline, now).nanoseconds)))
    }

    func deadlineReached() {
        nextDeadline = .distantFuture
        // After a long turn of the loop the answers may be in the socket already: the client was late, not Redis.
        link?.connection?.read()
        let now = LoopClock.now
        let missed = expireInFlight(now) + expireUnsent(now)
        // Commands that are late together are one stall, be they many.
        if missed > 0 { countFailure() }
        guard let oldest = inFlight.first else { return }
        // Whoever has given a command more time than that gets it.
        let giveUp = max(oldest.started.advanced(by: options.stallTimeout), oldest.deadline)
        if giveUp <= now {
            link?.fail(RedisError(.connectionLost, "redis has not answered for too long"))
        } else {
            watch(giveUp, now)
        }
    }

    /// Returns how many deadlines have passed.
    private func expireInFlight(_ now: Instant) -> Int {
        var missed = 0
        var earliest = Instant.distantFuture
        let error = RedisError(.timeout, "no answer within the deadline", mayHaveRun: true)
        // Who is told may send further commands, so nobody is while the queue is being looked through.
        var expired: [PendingCommand.Waiter] = []
        inFlight.forEach { command in
            guard !command.isAbandoned else { return }
            guard command.deadline <= now else {
                earliest = min(earliest, command.deadline)
                return
            }
            missed += 1
            if case .probe = command.waiter { probeLater() }
            expired.append(command.abandon())
        }
        counts.timeouts += missed
        watch(earliest, now)
        for waiter in expired { settle(waiter, .failure(error)) }
        return missed
    }

    private func expireUnsent(_ now: Instant) -> Int {
        var missed = 0
        var earliest = Instant.distantFuture
        let error = RedisError(.timeout, "no connection within the deadline")
        var expired: [PendingCommand.Waiter] = []
        unsent.forEach { command in
            guard !command.pending.isAbandoned else { return }
            guard command.pending.deadline <= now else {
                earliest = min(earliest, command.pending.deadline)
                return
            }
            missed += 1
            expired.append(command.pending.abandon())
        }
        // With equal time-outs everything that has expired is at the front.
        while let command = unsent.first, command.pending.isAbandoned {
            unsentBytes -= command.bytes.count
            _ = unsent.popFirst()
        }
        counts.timeouts += missed
        watch(earliest, now)
        for waiter in expired { settle(waiter, .failure(error)) }
        return missed
    }
}
