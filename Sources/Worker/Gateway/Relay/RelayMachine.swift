import Core

/// The stream contract's sense of time and order, as a value: when the head goes out, when silence is broken, when
/// somebody has been silent for too long. No I/O and no clock; moments come in as arguments.
struct RelayMachine {
    /// What the client has of the answer.
    enum Phase {
        /// Nothing yet: a failure can still be a real status, or nobody's business at all. → committed, flowing, over
        case waiting
        /// The head and perhaps comments: a failure is an event, but another upstream may still answer. → flowing, over
        case committed
        /// Content: whatever happens now is visible. → over
        case flowing
        case over
    }

    /// What to do with events that have just been translated.
    enum Output: Equatable {
        case hold
        /// Send the head, what was held, and these.
        case begin
        case write
    }

    /// What a passed deadline asks for.
    enum Expiry: Equatable {
        case nothing
        case commit
        case keepAlive
        case firstTokenMissing
        case upstreamSilent
        case takesTooLong
        case clientStalled
    }

    private(set) var phase = Phase.waiting
    private let limits: RelayLimits
    private let commitAt: Instant
    private let endsAt: Instant
    private var attemptBegan: Instant
    private var firstToken: UInt64
    /// When this attempt's upstream last sent an event; comments do not count.
    private var upstreamSpoke: Instant?
    private var lastWrite: Instant
    /// Since when the client has not taken what is waiting for it.
    private var clientStalledSince: Instant?
    private var isPaused = false

    init(limits: RelayLimits, startedAt start: Instant) {
        self.limits = limits
        commitAt = start.advanced(nanoseconds: limits.commitAfter)
        endsAt = start.advanced(nanoseconds: limits.stream)
        attemptBegan = start
        firstToken = limits.firstToken
        lastWrite = start
    }

    /// Whether another upstream may still be asked without the client noticing anything but the time.
    var mayTryAgain: Bool {
        switch phase {
        case .waiting, .committed: true
        case .flowing, .over: false
        }
    }

    /// `patience` is how long its first event may take, where that is not what holds for all upstreams.
    mutating func attemptStarted(at now: Instant, patience: Duration? = nil) {
        attemptBegan = now
        firstToken = patience.map { UInt64($0.nanoseconds) } ?? limits.firstToken
        upstreamSpoke = nil
        isPaused = false
    }

    /// The upstream sent events.
    mutating func received(hasContent: Bool, at now: Instant) -> Output {
        upstreamSpoke = now
        switch phase {
        case .waiting:
            guard hasContent else { return .hold }
            phase = .flowing
            lastWrite = now
            return .begin
        case .committed:
            // A role that has been sent could not be taken back if another upstream had to start anew.
            guard hasContent else { return .hold }
            phase = .flowing
            lastWrite = now
            return .write
        case .flowing, .over:
            lastWrite = now
            return .write
        }
    }

    /// The upstream sent content while content flows: what `received` says then, at less cost.
    mutating func passed(at now: Instant) {
        upstreamSpoke = now
        lastWrite = now
    }

    /// The client takes bytes too slowly, and the upstream has been paused for it.
    mutating func paused() { isPaused = true }

    /// The client has taken everything.
    mutating func drained(at now: Instant) {
        clientStalledSince = nil
        guard isPaused else { return }
        isPaused = false
        // The upstream was silent because we did not listen.
        if upstreamSpoke != nil { upstreamSpoke = now }
    }

    /// Whether the client is already known to have bytes waiting for it.
    var isClientLagging: Bool { clientStalledSince != nil }

    /// Bytes wait for the client.
    mutating func clientLags(at now: Instant) {
        if clientStalledSince == nil { clientStalledSince = now }
    }

    /// The client has taken some of what waits for it: slow, but alive.
    mutating func clientTookSome(at now: Instant) {
        if clientStalledSince != nil { clientStalledSince = now }
    }

    mutating func ended() { phase = .over }

    /// The next moment at which `deadlinePassed` has something to say.
    var deadline: Instant {
        var next = endsAt
        switch phase {
        case .over: return .distantFuture
        case .waiting: next = min(next, commitAt)
        case .committed, .flowing: next = min(next, lastWrite.advanced(nanoseconds: limits.keepAlive))
        }
        if !isPaused { next = min(next, upstreamDeadline) }
        if let clientStalledSince { next = min(next, clientStalledSince.advanced(nanoseconds: limits.clientStall)) }
        return next
    }

    mutating func deadlinePassed(at now: Instant) -> Expiry {
        if phase == .over { return .nothing }
        if let clientStalledSince, now >= clientStalledSince.advanced(nanoseconds: limits.clientStall) {
            return .clientStalled
        }
        if now >= endsAt { return .takesTooLong }
        if !isPaused, now >= upstreamDeadline { return upstreamSpoke == nil ? .firstTokenMissing : .upstreamSilent }
        if phase == .waiting, now >= commitAt {
            phase = .committed
            lastWrite = now
            return .commit
        }
        if phase != .waiting, now >= lastWrite.advanced(nanoseconds: limits.keepAlive) {
            lastWrite = now
            return .keepAlive
        }
        return .nothing
    }

    private var upstreamDeadline: Instant {
        upstreamSpoke?.advanced(nanoseconds: limits.streamIdle) ?? attemptBegan.advanced(nanoseconds: firstToken)
    }
}
