import Core
import EventLoop
import HTTPCodec
import Upstream

/// A delegate that writes down what it hears and does what a test wants it to do then.
@LoopActor
final class Recorder: TransferDelegate {
    private(set) var heads: [UpstreamHead] = []
    private(set) var body: [UInt8] = []
    private(set) var pieces = 0
    private(set) var outcomes: [TransferOutcome] = []
    var onHead: (@LoopActor () -> Void)?
    var onBytes: (@LoopActor () -> Void)?
    var onEnd: (@LoopActor () -> Void)?
    private var waiters: [CheckedContinuation<Void, Never>] = []
    private var headWaiters: [CheckedContinuation<Void, Never>] = []
    private var byteWaiters: [CheckedContinuation<Void, Never>] = []

    var calls: Int { heads.count + pieces + outcomes.count }
    var text: String { String(decoding: body, as: UTF8.self) }

    func transferReceivedHead(_ head: UpstreamHead) {
        heads.append(head)
        onHead?()
        wake(&headWaiters)
    }

    func transferReceived(_ bytes: UnsafeRawBufferPointer) {
        pieces += 1
        unsafe body.append(contentsOf: bytes)
        onBytes?()
        wake(&byteWaiters)
    }

    func transferEnded(_ outcome: TransferOutcome) {
        outcomes.append(outcome)
        onEnd?()
        wake(&waiters)
    }

    func head() async {
        if heads.isEmpty { await withCheckedContinuation { headWaiters.append($0) } }
    }

    func bytes() async {
        if pieces == 0 { await withCheckedContinuation { byteWaiters.append($0) } }
    }

    /// nil for a complete response.
    @discardableResult
    func end() async -> TransferFailure? {
        if outcomes.isEmpty { await withCheckedContinuation { waiters.append($0) } }
        if case .failed(let failure)? = outcomes.first { return failure }
        return nil
    }

    private func wake(_ waiters: inout [CheckedContinuation<Void, Never>]) {
        let waking = waiters
        waiters = []
        for waiter in waking { waiter.resume() }
    }
}

/// Lets the loop go round until everything that was on its way when it was called has arrived: a whole exchange over
/// another connection takes longer than that.
@LoopActor
struct LoopTurns {
    private let client = UpstreamClient()
    private let server: RawServer

    init() throws {
        server = try RawServer(always: "HTTP/1.1 204 No Content\r\n\r\n")
    }

    func pass(_ count: Int = 3) async throws {
        for _ in 0..<count {
            _ = try await client.fetch(OutgoingRequest(method: .get, url: server.url), limit: 0, deadline: .seconds(10))
        }
    }

    func close() {
        client.close()
        server.close()
    }
}
