import Core
import EventLoop

/// How late the loop is: a timer that is always due again shows what everything else on the loop has to wait for.
@LoopActor
final class LoopLag {
    private(set) var histogram = Histogram(.waits)
    private var due = Instant(nanoseconds: 0)
    private var peaks: (current: UInt64, last: UInt64) = (0, 0)
    private var samples = 0
    private var timer: LoopTimer?

    private static let interval = Duration.milliseconds(500)
    /// Half a minute of samples.
    private static let samplesOfPeak = 60

    init() {
        timer = LoopTimer { [unowned self] in fired() }
        arm()
    }

    func close() {
        timer?.close()
        timer = nil
    }

    isolated deinit { close() }

    /// The longest lag of this half minute and the one before.
    var peakSeconds: Double { Double(max(peaks.current, peaks.last)) / 1e9 }

    /// Counts one lag; separate from the timer so that it can be tested.
    func record(nanoseconds lag: UInt64) {
        histogram.add(nanoseconds: lag)
        peaks.current = max(peaks.current, lag)
        samples += 1
        if samples.isMultiple(of: Self.samplesOfPeak) { peaks = (0, peaks.current) }
    }

    private func fired() {
        let now = LoopClock.now
        // The loop counts in milliseconds, so a timer may be a fraction of one early.
        record(nanoseconds: now < due ? 0 : now.nanoseconds - due.nanoseconds)
        arm()
    }

    private func arm() {
        due = LoopClock.now.advanced(by: Self.interval)
        timer?.schedule(after: Self.interval)
    }
}
