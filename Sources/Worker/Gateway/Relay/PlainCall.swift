import Core
import EventLoop
import HTTPCodec
import HTTPServer
import Upstream

/// One upstream call whose answer is wanted whole. Ends early when the client leaves or the time is over.
@LoopActor
@safe final class PlainCall: TransferDelegate {
    enum Result {
        case answered(UpstreamHead, [UInt8])
        case failed(GatewayError)
        case clientGone
    }

    /// The largest answer that is taken.
    private static let bodyLimit = 128 << 20

    private let exchange: Exchange
    private var transfer: Transfer?
    private var head = UpstreamHead()
    private var body = ByteBuffer()
    private var waiting: UnsafeContinuation<Result, Never>?
    private lazy var timer = DeadlineTimer { [unowned self] in tookTooLong() }
    private(set) var timings = TransferTimings()
    /// What had come of a successful answer when its call failed.
    private(set) var partial: [UInt8] = []

    init(_ exchange: Exchange) {
        self.exchange = exchange
    }

    func run(_ request: OutgoingRequest, on upstream: UpstreamClient, until deadline: Instant) async -> Result {
        guard !exchange.isClientGone else { return .clientGone }
        return unsafe await withUnsafeContinuation { continuation in
            unsafe waiting = unsafe continuation
            exchange.onClientGone = { [unowned self] in stop(.clientGone) }
            timer.set(deadline)
            transfer = upstream.start(request, delegate: self)
        }
    }

    func transferReceivedHead(_ head: UpstreamHead) { self.head = head }

    func transferReceived(_ bytes: UnsafeRawBufferPointer) {
        guard body.count + bytes.count <= Self.bodyLimit else {
            return stop(
                .failed(GatewayError(.upstreamInvalid, "The upstream's answer is too large.", source: .upstream))
            )
        }
        unsafe body.append(bytes)
    }

    func transferEnded(_ outcome: TransferOutcome) {
        if let transfer { timings = transfer.timings }
        transfer = nil
        switch outcome {
        case .complete: finish(.answered(head, body.take()))
        // The status was clear before the connection broke.
        case .failed where head.status >= 400: finish(.answered(head, body.take()))
        case .failed(let failure):
            if (200..<300).contains(head.status) { partial = body.take() }
            finish(.failed(GatewayError(failure)))
        }
    }

    private func tookTooLong() {
        stop(
            .failed(
                GatewayError(.upstreamTimeout, "The upstream took too long.", source: .upstream, retry: .no)
            )
        )
    }

    private func stop(_ result: Result) {
        transfer?.cancel()
        transfer = nil
        finish(result)
    }

    private func finish(_ result: Result) {
        timer.close()
        exchange.onClientGone = nil
        guard let waiting = unsafe waiting.take() else { return }
        unsafe waiting.resume(returning: result)
    }
}
