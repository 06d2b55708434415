import Core

/// The spans of time of the stream contract in nanoseconds, worked out once and shared by all streams of a worker.
final class RelayLimits: Sendable {
    let commitAfter: UInt64
    let firstToken: UInt64
    let streamIdle: UInt64
    let keepAlive: UInt64
    let clientStall: UInt64
    let stream: UInt64

    init(_ timeouts: Configuration.Timeouts) {
        commitAfter = UInt64(timeouts.commitAfter.nanoseconds)
        firstToken = UInt64(timeouts.firstToken.nanoseconds)
        streamIdle = UInt64(timeouts.streamIdle.nanoseconds)
        keepAlive = UInt64(timeouts.keepAlive.nanoseconds)
        clientStall = UInt64(timeouts.clientStall.nanoseconds)
        stream = UInt64(timeouts.stream.nanoseconds)
    }
}
