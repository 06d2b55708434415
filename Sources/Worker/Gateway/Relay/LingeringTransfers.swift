import Core
import EventLoop
import Upstream

/// Transfers whose content is complete but whose HTTP framing is not yet: a well-behaved upstream ends them with the
/// same or the next packet, and then the connection can serve again. The others are broken off after a moment.
@LoopActor
final class LingeringTransfers {
    private static let patience = Duration.seconds(2)

    private var transfers: [ObjectIdentifier: (transfer: Transfer, until: Instant)] = [:]
    private lazy var timer = DeadlineTimer { [weak self] in self?.sweep() }

    func add(_ transfer: Transfer) {
        let until = LoopClock.turn.advanced(by: Self.patience)
        transfers[ObjectIdentifier(transfer)] = (transfer, until)
        if transfers.count == 1 { timer.set(until) }
    }

    func remove(_ transfer: Transfer) {
        transfers[ObjectIdentifier(transfer)] = nil
        if transfers.isEmpty { timer.set(.distantFuture) }
    }

    func close() {
        for (transfer, _) in transfers.values { transfer.cancel() }
        transfers = [:]
        timer.close()
    }

    private func sweep() {
        let now = LoopClock.now
        for (id, entry) in transfers where entry.until <= now {
            entry.transfer.cancel()
            transfers[id] = nil
        }
        if let next = transfers.values.map(\.until).min() { timer.set(next) }
    }
}
