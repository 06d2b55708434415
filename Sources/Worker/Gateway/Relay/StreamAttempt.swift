import Core
import EventLoop
import HTTPCodec
import OpenAIAPI
import Providers
import Upstream

/// One upstream's try at a streamed answer: reads its head, then either translates its events or gathers its error.
@LoopActor
final class StreamAttempt: TransferDelegate {
    private enum Body {
        case awaited
        case events
        /// What came instead of a stream.
        case other(ByteBuffer)
    }

    private(set) var head: UpstreamHead?
    private var relay: StreamRelay?
    private let provider: any Provider
    private var translator: any StreamTranslator
    private var body = Body.awaited
    private var transfer: Transfer?
    private var job: Job?
    /// The present call is not the first.
    private var isFurther = false
    private let scratch: StreamScratch
    private let lingering: LingeringTransfers

    /// `job` is what is asked, where the provider is asked by one call.
    init(
        relay: StreamRelay,
        provider: any Provider,
        translator: any StreamTranslator,
        job: Job?,
        lingering: LingeringTransfers
    ) {
        self.relay = relay
        self.lingering = lingering
        self.provider = provider
        self.translator = translator
        self.job = job
        scratch = StreamScratch.shared
    }

    func start(_ request: OutgoingRequest, on upstream: UpstreamClient) {
        transfer = upstream.start(request, delegate: self)
    }

    /// Nothing more is wanted of the present call.
    func rest() {
        transfer?.cancel()
        transfer = nil
        body = .awaited
    }

    /// The answer goes on where another request leads, in whatever form.
    func goOn(with request: OutgoingRequest, on upstream: UpstreamClient) {
        rest()
        isFurther = true
        transfer = upstream.start(request, delegate: self)
    }

    func pause() { transfer?.pause() }
    func resume() { transfer?.resume() }

    /// The client has the head; neither our copy of the upstream's nor the request is needed any more.
    func headIsSent() {
        head = nil
        job = nil
        transfer?.releaseRequestBody()
    }

    /// The relay has no more use for this attempt. A complete stream is read to its end, so that the connection can serve
    /// again; anything else is broken off.
    func leave(isComplete: Bool) {
        relay = nil
        guard let transfer else { return }
        if isComplete {
            lingering.add(transfer)
        } else {
            transfer.cancel()
            self.transfer = nil
        }
    }

    func transferReceivedHead(_ head: UpstreamHead) {
        guard let relay else { return }
        self.head = head
        relay.upstreamAnswered(transfer)
        let isSuccess = (200..<300).contains(head.status)
        if isSuccess, isFurther || mayBeStream(head) {
            body = .events
        } else {
            body = .other(ByteBuffer())
        }
    }

    func transferReceived(_ bytes: UnsafeRawBufferPointer) {
        guard let relay else { return }
        switch body {
        case .awaited: break
        case .events:
            if relay.isPassing {
                let count = unsafe translator.unchangedEvents(in: bytes)
                if count > 0 {
                    unsafe relay.pass(bytes, count: count)
                    return
                }
            }
            unsafe translator.receive(bytes, into: &scratch.output)
            handOver(to: relay)
        case .other(var gathered):
            body = .awaited
            let room = StreamRelay.errorLimit - gathered.count
            unsafe gathered.append(UnsafeRawBufferPointer(rebasing: bytes.prefix(max(0, room))))
            body = .other(gathered)
        }
    }

    func transferEnded(_ outcome: TransferOutcome) {
        let ended = transfer.take()
        guard let relay else {
            if let ended { lingering.remove(ended) }
            return
        }
        switch (outcome, body) {
        // The status was clear before the connection broke.
        case (.failed, .other(let gathered)) where head.map({ $0.status >= 400 }) ?? false:
            fail(refusal(gathered), relay)
        case (.failed(let failure), _): fail(GatewayError(failure), relay)
        case (.complete, .other(let gathered)): fail(refusal(gathered), relay)
        case (.complete, _):
            translator.finish(into: &scratch.output)
            handOver(to: relay)
        }
    }

    /// The call has failed; the answer may be taken up again where it broke off.
    private func fail(_ error: GatewayError, _ relay: StreamRelay) {
        guard isFurther || isTranslating, translator.takeUp(after: error, into: &scratch.output) else {
            return relay.upstreamFailed(error)
        }
        handOver(to: relay)
    }

    private var isTranslating: Bool {
        if case .events = body { true } else { false }
    }

    /// Servers that do not say what they send are taken at their bytes.
    private func mayBeStream(_ head: UpstreamHead) -> Bool {
        guard let type = head.first("content-type") else { return true }
        return MediaType(type).map { provider.mayBeStream($0) } ?? false
    }

    private func handOver(to relay: StreamRelay) {
        relay.translated(&scratch.output)
        scratch.output.reset()
    }

    /// The meaning of an answer that is no stream.
    private func refusal(_ body: ByteBuffer) -> GatewayError {
        guard let head else { return .notAStream }
        if (200..<300).contains(head.status), let job {
            // Some upstreams refuse with 200 and an error body.
            do throws(GatewayError) {
                _ = try provider.translateAnswer(Array(body.readable), to: job)
                return .notAStream
            } catch {
                return error
            }
        }
        return provider.failure(head, Array(body.readable))
    }
}

/// The one output that all streams of the worker translate into; emptied after every use.
@LoopActor
final class StreamScratch {
    static let shared = StreamScratch()
    var output = StreamOutput()
}

extension GatewayError {
    static var notAStream: GatewayError {
        GatewayError(
            .upstreamInvalid,
            "The upstream's answer is not a stream.",
            source: .upstream,
            retry: .elsewhere
        )
    }

    /// A transfer that brought no whole answer.
    init(_ failure: TransferFailure) {
        let (code, message): (Code, String) =
            switch failure.kind {
            case .resolve, .connect, .proxy, .sendFailed, .badURL:
                (.upstreamUnreachable, "The upstream cannot be reached.")
            case .tls: (.upstreamUnreachable, "No trusted connection to the upstream can be made.")
            case .connectTimeout, .deadline: (.upstreamTimeout, "The upstream took too long.")
            case .cut: (.upstreamCut, "The upstream broke the connection off.")
            case .overrun: (.upstreamCut, "The stream was given up because its reader was too slow.")
            case .protocolError, .tooLarge, .badHeader, .other:
                (.upstreamInvalid, "The upstream's answer is not valid HTTP.")
            }
        self.init(code, message, source: .upstream, retry: .elsewhere, cause: failure.message)
    }
}
