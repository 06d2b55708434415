internal import Core
internal import EventLoop

/// When to stop asking, and how to find out that asking makes sense again.
extension RedisClient {
    func countFailure() {
        guard breaker.failed() else { return }
        log(.warning, "redis breaker opened", LogField("address", address.description))
        failUnsent(RedisError(.unavailable, "redis does not answer"))
        probeBackoff.reset()
        probeLater()
        onTrouble?()
    }

    /// Without a connection nothing needs to be done: the next greeting is the probe.
    func probeLater() {
        guard !isClosed, link?.connection != nil else { return }
        probeTimer?.schedule(after: probeBackoff.next(using: &random))
    }

    func sendProbe() {
        guard breaker.isOpen, let connection = link?.connection else { return }
        let now = LoopClock.now
        let probe = PendingCommand(waiter: .probe, started: now, deadline: now.advanced(by: options.timeout))
        connection.send(["PING"])
        inFlight.append(probe)
        watch(probe.deadline, now)
    }

    func probeAnswered(_ reply: RedisReply) {
        if case .error = reply {
            probeLater()
        } else {
            closeBreaker()
        }
    }

    func closeBreaker() {
        guard breaker.probeSucceeded() else { return }
        log(.info, "redis breaker closed", LogField("address", address.description))
    }
}
