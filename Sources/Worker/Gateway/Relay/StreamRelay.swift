import Core
import Dialects
import EventLoop
import HTTPCodec
import HTTPServer
import OpenAIAPI
import Providers
import Upstream

/// Carries one streamed answer from whichever upstream serves it to the client, under the stream contract.
///
/// One relay lives as long as its request and makes one attempt after the other. The bytes flow by callbacks, without a
/// task in between: what one read of the upstream brought leaves in one write to the client. `RelayMachine` decides;
/// this type acts.
@LoopActor
final class StreamRelay {
    /// Unsent bytes at which the upstream is paused.
    private static let highWater = 256 << 10
    /// Held bytes at which waiting for content ends: whatever it is, it is worth sending.
    private static let heldLimit = 256 << 10
    /// How much of an unsuccessful answer is read.
    private static let errorBodyLimit = 64 << 10

    private let context: RequestContext
    private let exchange: Exchange
    private let services: RelayServices
    private var machine: RelayMachine
    private lazy var timer = DeadlineTimer { [unowned self] in deadlinePassed() }
    private var held = ByteBuffer()
    /// What the client had taken when it began to lag, or when it was last found to be slow but alive.
    private var takenWhenLagging = 0
    private var hasFlowed = false
    private var knowsUpstreamSpeaks = false
    private var attempt: StreamAttempt?
    private var owner: StreamServing?
    /// Nothing where the client speaks chat itself.
    private var voice: StreamVoice?

    init(_ context: RequestContext, services: RelayServices, owner: StreamServing) {
        self.context = context
        self.owner = owner
        self.services = services
        exchange = context.exchange
        voice = context.dialect.map { StreamVoice($0.makeStreamWriter()) }
        machine = RelayMachine(limits: services.limits, startedAt: context.receivedAt)
        exchange.onClientGone = { [unowned self] in end(.clientGone) }
        exchange.onDrained = { [unowned self] in drained() }
    }

    /// Whether a further attempt could still be hidden from the client.
    var mayTryAgain: Bool { machine.mayTryAgain && !exchange.isClientGone }

    /// An upstream is being made ready to answer: the client's clocks run.
    func prepare(patience: Duration?) {
        machine.attemptStarted(at: LoopClock.now, patience: patience)
        timer.set(machine.deadline)
    }

    /// Sends the request to one upstream and relays what it answers; the owner hears how it came out.
    func start(_ outgoing: OutgoingRequest, _ job: Job, with provider: any Provider) {
        start(outgoing, provider.makeStreamTranslator(for: job), job, with: provider)
    }

    func start(
        _ outgoing: OutgoingRequest,
        _ translator: any StreamTranslator,
        _ job: Job? = nil,
        with provider: any Provider
    ) {
        machine.attemptStarted(at: LoopClock.now, patience: provider.patience)
        knowsUpstreamSpeaks = false
        held.removeAll()
        let attempt = StreamAttempt(
            relay: self,
            provider: provider,
            translator: translator,
            job: job,
            lingering: services.lingering
        )
        self.attempt = attempt
        attempt.start(outgoing, on: services.upstream)
        timer.set(machine.deadline)
    }

    /// Relays an answer that needs no upstream.
    func send(_ answer: LocalAnswer) {
        for event in answer.events { held.append(event) }
        context.chunks = answer.events.count
        context.usage = answer.usage
        endProperly()
    }

    /// Tells the client that no upstream could serve it.
    func giveUp(_ error: GatewayError) -> EndReason {
        switch machine.phase {
        case .waiting: services.answer(error, context)
        case .committed, .flowing: breakOff(error)
        case .over: break
        }
        close()
        return EndReason(error)
    }

    /// The worker is about to go and can wait no longer.
    func cutShort() {
        let error = GatewayError(.overloaded, "The server is shutting down; please try again.")
        _ = giveUp(error)
        end(.drained, error)
    }

    // MARK: What the attempt says

    /// The upstream has accepted the request.
    func upstreamAnswered(_ transfer: Transfer?) {
        context.upstreamAnsweredAt = LoopClock.now
        context.connectMicroseconds = transfer.map { $0.timings.isReused ? 0 : $0.timings.connect }
    }

    /// Whether content may go to the client as it comes.
    var isPassing: Bool { hasFlowed && machine.phase == .flowing && held.isEmpty && voice == nil }

    /// Sends whole events with content on as they came; only while `isPassing`.
    func pass(_ events: UnsafeRawBufferPointer, count: Int) {
        context.chunks += count
        let now = LoopClock.turn
        machine.passed(at: now)
        unsafe exchange.write(events)
        relieve(now)
    }

    /// Acts on what the translator made of one read.
    func translated(_ output: inout StreamOutput) {
        if let usage = output.usage { context.usage = usage }
        context.chunks += output.count
        if !output.kept.isEmpty { owner?.keep(output.kept) }
        if !output.files.isEmpty { owner?.keep(output.files) }
        let now = LoopClock.turn
        // Where the end of the body is the end of the stream, what it means is written without a further event.
        if output.count > 0 || !output.events.isEmpty {
            let isLarge = held.count + output.events.count > Self.heldLimit
            switch machine.received(hasContent: output.hasContent || isLarge, at: now) {
            case .hold: held.append(output.events.readable)
            case .begin:
                held.append(output.events.readable)
                if output.goesOn { begin() }
            case .write where held.isEmpty && output.goesOn:
                if !hasFlowed { contentFlows() }
                voice?.say(&output.events)
                exchange.write(output.events)
            case .write:
                if !hasFlowed { contentFlows() }
                held.append(output.events.readable)
                if output.goesOn { flushHeld() }
            }
        }
        switch output.end {
        case nil: relieve(now)
        case .done:
            if let concluded = output.concluded { conclude(concluded) } else { endProperly() }
        case .failed(let error): upstreamFailed(error)
        case .more(let request):
            relieve(now)
            goOn(with: request)
        }
    }

    /// The answer is to be had by a further call, which its provider first makes ready.
    private func goOn(with request: OutgoingRequest) {
        guard let attempt else { return }
        attempt.rest()
        owner?.prepare(request) { [self] result in
            // The client may have left meanwhile, or another attempt have begun.
            guard self.attempt === attempt else { return }
            switch result {
            case .success(let request): attempt.goOn(with: request, on: services.upstream)
            case .failure(let error): upstreamFailed(error)
            }
        }
    }

    /// The answer of a web application is complete: what it used is counted, and how far the conversation has come is
    /// written down, before the client hears of its end.
    private func conclude(_ concluded: ConcludedTurn) {
        leaveUpstream()
        owner?.conclude(concluded.end) { [self] usage, error in
            // The client may have left meanwhile.
            guard owner != nil else { return }
            if let error {
                if exchange.isUnanswered { begin() }
                breakOff(error)
                return end(EndReason(error), error)
            }
            if context.plan == nil { context.counted = usage } else { context.usage = usage }
            concluded.appendUsage(usage, to: &held)
            endProperly()
        }
    }

    func upstreamFailed(_ error: GatewayError) {
        if machine.mayTryAgain {
            held.removeAll(keepingCapacity: false)
            attempt?.leave(isComplete: false)
            attempt = nil
            owner?.attemptFailed(error)
        } else {
            if exchange.isUnanswered { begin() }
            breakOff(error)
            end(EndReason(error), error)
        }
    }

    static var errorLimit: Int { errorBodyLimit }

    // MARK: Towards the client

    /// `held` is in the client's dialect by now, or is said in it here.
    private func begin(isContent: Bool = true, isWhole: Bool = false, isSaid: Bool = false) {
        if !isSaid { voice?.say(&held) }
        exchange.begin(status: 200, first: held, isWhole: isWhole) { output in
            AnswerHeaders.append(context, contentType: "text/event-stream; charset=utf-8", to: &output)
            AnswerHeaders.appendStreaming(to: &output)
            AnswerHeaders.appendUpstream(attempt?.head, showsLimits: context.rates == nil, to: &output)
        }
        if isContent { contentFlows() }
        held.removeAll(keepingCapacity: false)
    }

    /// From here on nobody else can be asked: what would have been needed for it is let go, since streams may last long.
    private func contentFlows() {
        hasFlowed = true
        // Keep-alives are due from now on.
        knowsUpstreamSpeaks = false
        context.firstByteAt = LoopClock.now
        attempt?.headIsSent()
        owner?.contentFlows()
    }

    /// Sends the head alone; what is held may still turn out to be another upstream's to say.
    private func commit() {
        let roleEvents = held
        held = keepAlive()
        begin(isContent: false, isSaid: true)
        held = roleEvents
    }

    private func keepAlive() -> ByteBuffer {
        var bytes = ByteBuffer()
        if let voice { voice.keepAlive(into: &bytes) } else { bytes.append(": keep-alive\n\n" as StaticString) }
        return bytes
    }

    private func flushHeld() {
        voice?.say(&held)
        exchange.write(held)
        held.removeAll(keepingCapacity: held.capacity <= 4096)
    }

    private func endProperly() {
        // What the client may refer to must be there before it knows of it.
        if let owner, owner.isKeeping {
            leaveUpstream()
            return owner.whenKept { [self] in
                // The client may have left meanwhile.
                if self.owner != nil { endProperly() }
            }
        }
        guard let voice else {
            held.append("data: [DONE]\n\n" as StaticString)
            return deliverEnd()
        }
        voice.say(&held)
        voice.end(into: &held)
        guard let answer = voice.wholeAnswer, let owner else { return deliverEnd() }
        leaveUpstream()
        owner.keep(answer: answer) { [self] in deliverEnd() }
    }

    /// The upstream has said all; what is still to be done has nothing to do with it.
    private func leaveUpstream() {
        attempt?.leave(isComplete: true)
        attempt = nil
        machine.ended()
        timer.set(machine.deadline)
    }

    /// The last bytes of an answer that has come to its end.
    private func deliverEnd() {
        // The client may have left meanwhile.
        guard owner != nil else { return }
        if exchange.isUnanswered {
            begin(isWhole: true, isSaid: true)
        } else {
            exchange.end(held)
        }
        end(.done)
    }

    /// An error event and an end that nobody can take for a proper one.
    private func breakOff(_ error: GatewayError) {
        if let voice {
            voice.say(&held)
            voice.fail(error, requestID: context.id, into: &held)
        } else {
            ErrorBody.appendEvent(error, requestID: context.id, to: &held)
        }
        exchange.abort(held)
        held.removeAll(keepingCapacity: false)
    }

    /// Stops listening to the upstream when the client takes its bytes too slowly.
    private func relieve(_ now: Instant) {
        let pending = exchange.pendingBytes
        guard pending > 0 else {
            // The first event, and the first content, bring the deadline forward; all others only move it back, which
            // the timer finds out by itself when it fires.
            if !knowsUpstreamSpeaks {
                knowsUpstreamSpeaks = true
                timer.set(machine.deadline)
            }
            return
        }
        if !machine.isClientLagging { takenWhenLagging = exchange.takenBytes }
        machine.clientLags(at: now)
        if pending > Self.highWater {
            attempt?.pause()
            machine.paused()
        }
        timer.set(machine.deadline)
    }

    private func drained() {
        machine.drained(at: LoopClock.turn)
        attempt?.resume()
        timer.set(machine.deadline)
    }

    // MARK: Time

    private func deadlinePassed() {
        switch machine.deadlinePassed(at: LoopClock.now) {
        case .nothing: break
        case .commit: commit()
        case .keepAlive:
            exchange.write(keepAlive())
        case .firstTokenMissing:
            upstreamFailed(.silent("The upstream did not begin to answer in time.", .upstreamTimeout))
        case .upstreamSilent:
            upstreamFailed(.silent("The upstream stopped sending.", .upstreamIdle))
        case .takesTooLong:
            var error = GatewayError.silent("The stream took longer than allowed.", .upstreamTimeout)
            error.retry = .no
            upstreamFailed(error)
        case .clientStalled where exchange.takenBytes > takenWhenLagging:
            takenWhenLagging = exchange.takenBytes
            machine.clientTookSome(at: LoopClock.now)
        case .clientStalled:
            exchange.drop()
            end(.clientStalled)
        }
        if machine.phase != .over { timer.set(machine.deadline) }
    }

    // MARK: The end

    private func end(_ reason: EndReason, _ error: GatewayError? = nil) {
        attempt?.leave(isComplete: reason == .done)
        attempt = nil
        close()
        owner?.ended(reason, error)
        owner = nil
    }

    private func close() {
        machine.ended()
        timer.close()
        exchange.onClientGone = nil
        exchange.onDrained = nil
    }
}

extension GatewayError {
    fileprivate static func silent(_ message: String, _ code: Code) -> GatewayError {
        GatewayError(code, message, source: .upstream, retry: .elsewhere)
    }
}

extension EndReason {
    /// The reason that goes with an error.
    init(_ error: GatewayError) {
        switch error.code {
        case .upstreamCut, .upstreamUnreachable: self = .upstreamCut
        case .upstreamIdle, .upstreamTimeout: self = .upstreamIdle
        case .clientGone: self = .clientGone
        default:
            switch error.source {
            case .client: self = .refused
            case .upstream: self = .upstreamError
            case .gateway: self = .gatewayError
            }
        }
    }
}
