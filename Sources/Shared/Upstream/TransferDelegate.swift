package import EventLoop

/// Who a transfer reports to. Calls come from the loop, never from inside a call on the transfer or the client, and any
/// of them may call `cancel()`, `pause()`, `resume()` or start further transfers. The transfer keeps its delegate
/// until it has ended or was cancelled.
@LoopActor
package protocol TransferDelegate: AnyObject {
    /// The final status line and its header fields; once, and first. Interim (1xx) answers are left out.
    func transferReceivedHead(_ head: UpstreamHead)
    /// All bytes of the body that one turn brought; valid during the call only. What a turn had already brought when the
    /// transfer was paused is still handed over.
    func transferReceived(_ bytes: UnsafeRawBufferPointer)
    /// Exactly once and last, unless the transfer was cancelled.
    func transferEnded(_ outcome: TransferOutcome)
}

/// How a transfer ended.
package enum TransferOutcome: Sendable {
    /// The response is whole by the rules of HTTP: its length was met, its last chunk came, its stream was ended; or,
    /// where it has none of these, the connection was closed.
    case complete
    case failed(TransferFailure)
}

/// What libcurl measured, in microseconds from the start of the transfer.
package struct TransferTimings: Sendable {
    /// The connection stood; 0 when it was there already.
    package var connect = 0
    /// The TLS handshake was done; 0 without TLS.
    package var tls = 0
    /// The first byte of the answer came; 0 before.
    package var firstByte = 0
    /// The request went over a connection that had served another one.
    package var isReused = false

    package init(connect: Int = 0, tls: Int = 0, firstByte: Int = 0, isReused: Bool = false) {
        self.connect = connect
        self.tls = tls
        self.firstByte = firstByte
        self.isReused = isReused
    }
}
