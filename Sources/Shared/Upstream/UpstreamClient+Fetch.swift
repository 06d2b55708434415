internal import Core
internal import EventLoop
package import HTTPCodec

extension UpstreamClient {
    /// Sends a request and waits for its whole response: for small exchanges off the hot path. More than `limit` bytes
    /// of body fail as `.tooLarge`, and not being done by `deadline` as `.deadline`. Ends early with its task.
    package func fetch(
        _ request: OutgoingRequest,
        limit: Int,
        deadline: Duration
    ) async throws(TransferFailure) -> (UpstreamHead, [UInt8]) {
        let exchange = Exchange(limit: limit)
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                exchange.start(request, with: self, deadline: deadline, continuation)
            }
        } onCancel: {
            Task { @LoopActor in exchange.give(up: .deadline, "the task was cancelled") }
        }
        return try result.get()
    }
}

/// One response on its way into memory.
@LoopActor
private final class Exchange: TransferDelegate {
    typealias Outcome = Result<(UpstreamHead, [UInt8]), TransferFailure>

    private let limit: Int
    private var head = UpstreamHead()
    private var body: [UInt8] = []
    private var transfer: Transfer?
    private var timer: LoopTimer?
    private var continuation: CheckedContinuation<Outcome, Never>?

    nonisolated init(limit: Int) { self.limit = limit }

    func start(
        _ request: OutgoingRequest,
        with client: UpstreamClient,
        deadline: Duration,
        _ continuation: CheckedContinuation<Outcome, Never>
    ) {
        self.continuation = continuation
        let timer = LoopTimer { [weak self] in self?.give(up: .deadline, "no whole response in time") }
        timer.schedule(after: deadline)
        self.timer = timer
        transfer = client.start(request, delegate: self)
    }

    func transferReceivedHead(_ head: UpstreamHead) { self.head = head }

    func transferReceived(_ bytes: UnsafeRawBufferPointer) {
        if body.count + bytes.count > limit {
            give(up: .tooLarge, "more than \(limit) bytes")
        } else {
            unsafe body.append(contentsOf: bytes)
        }
    }

    func transferEnded(_ outcome: TransferOutcome) {
        switch outcome {
        case .complete: finish(.success((head, body)))
        case .failed(let failure): finish(.failure(failure))
        }
    }

    func give(up kind: TransferFailure.Kind, _ message: String) {
        guard let transfer else { return }
        let sentRequest = transfer.sentRequest
        transfer.cancel()
        finish(.failure(TransferFailure(kind, message, sentRequest: sentRequest)))
    }

    private func finish(_ outcome: Outcome) {
        transfer = nil
        timer?.close()
        timer = nil
        continuation?.resume(returning: outcome)
        continuation = nil
    }
}
