import Core
import EventLoop
import HTTPCodec
import HTTPServer
import Upstream

/// Carries one answer of the site to a visitor as it comes: no byte of it waits for the next, a slow visitor makes the site
/// wait, and one who leaves ends it.
@LoopActor
final class MirrorRelay: TransferDelegate {
    enum End {
        case done
        case clientGone
        case clientStalled
        /// The site does not take the token; the visitor has had nothing yet.
        case refused
        case failed(GatewayError)
    }

    /// What is done beside passing bytes on.
    struct Care {
        var origins: [String]
        var own: String
        var sign: String?
        /// Whether another token could be shown in place of one that is refused.
        var mayAskAgain = false
        /// The visitor has the head of the answer.
        var begun: (@LoopActor () -> Void)?
        /// Told what a turn's events say of its conversation.
        var found: (@LoopActor (ConversationObserver.Findings) -> Void)?
        /// Told what an unsuccessful answer was, or the beginning of any that is worth reading.
        var read: (@LoopActor (UpstreamHead, [UInt8]) -> Void)?
    }

    /// Unsent bytes at which the site is paused.
    private static let highWater = 256 << 10
    /// How much of an answer is kept for `read`.
    private static let readLimit = 64 << 10

    private let context: RequestContext
    private let exchange: Exchange
    private let timeouts: Configuration.Timeouts
    private let care: Care
    private let ended: @LoopActor (End) -> Void
    private var transfer: Transfer?
    private var answer: PassedAnswer?
    private var head = UpstreamHead()
    private var rewriter: HostRewriter?
    private var observer: ConversationObserver?
    private var kept: ByteBuffer?
    private var isOver = false
    private lazy var timer = DeadlineTimer { [unowned self] in deadlinePassed() }
    private var wholeUntil: Instant
    private var quietUntil: Instant
    /// Set while the visitor takes its bytes too slowly: what it had taken, and until when it must take more.
    private var lag: (taken: Int, until: Instant)?

    init(
        _ context: RequestContext,
        _ timeouts: Configuration.Timeouts,
        _ care: Care,
        ended: @escaping @LoopActor (End) -> Void
    ) {
        self.context = context
        self.timeouts = timeouts
        self.care = care
        self.ended = ended
        exchange = context.exchange
        wholeUntil = context.receivedAt.advanced(by: timeouts.stream)
        quietUntil = LoopClock.now.advanced(by: timeouts.request)
    }

    func start(_ request: OutgoingRequest, on upstream: UpstreamClient) {
        guard !exchange.isClientGone else { return end(.clientGone) }
        exchange.onClientGone = { [unowned self] in end(.clientGone) }
        exchange.onDrained = { [unowned self] in drained() }
        context.upstreamCalls += 1
        context.upstreamAskedAt = LoopClock.now
        transfer = upstream.start(request, delegate: self)
        timer.set(deadline)
    }

    // MARK: From the site

    func transferReceivedHead(_ head: UpstreamHead) {
        context.upstreamAnsweredAt = LoopClock.now
        if let transfer { context.connectMicroseconds = transfer.timings.isReused ? 0 : transfer.timings.connect }
        if head.status == 401, care.mayAskAgain { return end(.refused) }
        self.head = head
        let answer = PassedAnswer(head, origins: care.origins, own: care.own, isSecure: context.scheme == "https")
        self.answer = answer
        if care.read != nil, head.status >= 400 || answer.form == .text || answer.form == .none { kept = ByteBuffer() }
        quietUntil = LoopClock.turn.advanced(by: timeouts.streamIdle)
        switch answer.form {
        case .none: return
        case .events: if care.found != nil { observer = ConversationObserver() }
        case .text: rewriter = HostRewriter(origins: care.origins, own: care.own)
        case .bytes: break
        }
        context.firstByteAt = LoopClock.now
        exchange.begin(status: answer.status, first: ByteBuffer()) { appendHeaders(answer, to: &$0) }
        // Nobody will be asked again, and the answer may take long.
        transfer?.releaseRequestBody()
        care.begun?()
    }

    func transferReceived(_ bytes: UnsafeRawBufferPointer) {
        guard !isOver, let answer, answer.form != .none else { return }
        quietUntil = LoopClock.turn.advanced(by: timeouts.streamIdle)
        if let findings = unsafe observer?.look(at: bytes), !findings.isEmpty { care.found?(findings) }
        if let count = kept?.count, count < Self.readLimit {
            unsafe kept?.append(UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.readLimit - count)))
        }
        if rewriter != nil {
            var output = ByteBuffer()
            unsafe rewriter?.rewrite(bytes, into: &output)
            exchange.write(output)
        } else {
            unsafe exchange.write(bytes)
        }
        relieve()
    }

    func transferEnded(_ outcome: TransferOutcome) {
        transfer = nil
        switch outcome {
        case .complete: finish()
        case .failed(let failure): end(.failed(GatewayError(failure)))
        }
    }

    private func finish() {
        tellRead()
        guard let answer else { return end(.failed(.unexpectedEnd)) }
        if answer.form == .none {
            exchange.respond(status: answer.status, body: []) { appendHeaders(answer, to: &$0) }
        } else {
            var output = ByteBuffer()
            rewriter?.finish(into: &output)
            exchange.end(output)
        }
        end(.done)
    }

    private func tellRead() {
        guard var bytes = kept.take() else { return }
        care.read?(head, bytes.take())
    }

    private func appendHeaders(_ answer: PassedAnswer, to output: inout ByteBuffer) {
        for header in answer.headers { output.appendHeader(header) }
        output.appendHeader("X-Request-ID", context.id)
        if let sign = care.sign { output.appendHeader("X-Sign", sign) }
    }

    // MARK: Towards the visitor

    private func relieve() {
        guard exchange.pendingBytes > 0 else { return }
        if lag == nil { lag = (exchange.takenBytes, LoopClock.turn.advanced(by: timeouts.clientStall)) }
        if exchange.pendingBytes > Self.highWater { transfer?.pause() }
        timer.set(deadline)
    }

    private func drained() {
        lag = nil
        quietUntil = LoopClock.turn.advanced(by: timeouts.streamIdle)
        transfer?.resume()
        timer.set(deadline)
    }

    // MARK: Time

    private var deadline: Instant { min(wholeUntil, lag?.until ?? quietUntil) }

    private func deadlinePassed() {
        let now = LoopClock.now
        if now >= wholeUntil {
            end(.failed(.tooSlow("The site took longer than allowed.", .upstreamTimeout)))
        } else if let lag, now >= lag.until {
            guard exchange.takenBytes > lag.taken else {
                exchange.drop()
                return end(.clientStalled)
            }
            self.lag = (exchange.takenBytes, now.advanced(by: timeouts.clientStall))
        } else if lag == nil, now >= quietUntil {
            let code: GatewayError.Code = answer == nil ? .upstreamTimeout : .upstreamIdle
            end(.failed(.tooSlow("The site stopped answering.", code)))
        }
        if !isOver { timer.set(deadline) }
    }

    // MARK: The end

    private func end(_ end: End) {
        guard !isOver else { return }
        isOver = true
        timer.close()
        transfer?.cancel()
        transfer = nil
        exchange.onClientGone = nil
        exchange.onDrained = nil
        if case .failed = end {
            tellRead()
            // What has begun is left visibly unfinished; else the caller says what went wrong.
            if !exchange.isUnanswered { exchange.abort(ByteBuffer()) }
        }
        ended(end)
    }
}

extension GatewayError {
    fileprivate static func tooSlow(_ message: String, _ code: Code) -> GatewayError {
        GatewayError(code, message, source: .upstream)
    }

    fileprivate static var unexpectedEnd: GatewayError {
        GatewayError(.upstreamInvalid, "The site's answer is not valid HTTP.", source: .upstream)
    }
}
