internal import Core

/// What this worker has seen of one engine: calls that run, and failures in a row.
///
/// After `threshold` of them it is left alone for a while that doubles with each further one; then one call goes first.
struct EngineHealth {
    private static let threshold = 3
    private static let firstRest = Duration.seconds(2)
    private static let longestRest = Duration.seconds(60)

    private(set) var inFlight = 0
    private var failures = 0
    private var restsUntil: Instant?
    /// The one call after a rest is under way.
    private var isProbing = false

    /// Whether a call may be made.
    func mayServe(at now: Instant) -> Bool {
        guard let restsUntil else { return true }
        return now >= restsUntil && !isProbing
    }

    mutating func began() {
        inFlight += 1
        if restsUntil != nil { isProbing = true }
    }

    mutating func succeeded() {
        left()
        failures = 0
        restsUntil = nil
    }

    mutating func failed(at now: Instant) {
        left()
        failures += 1
        guard failures >= Self.threshold else { return }
        let doublings = min(failures - Self.threshold, 5)
        restsUntil = now.advanced(by: min(Self.firstRest * (1 << doublings), Self.longestRest))
    }

    /// The call says nothing of the engine.
    mutating func abandoned() { left() }

    private mutating func left() {
        inFlight = max(0, inFlight - 1)
        isProbing = false
    }
}
