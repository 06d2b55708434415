import Core
import EventLoop
import OpenAIAPI
import Providers

/// One streamed request on its way: asks one upstream after the other until one serves it, within the retry budget.
///
/// Streams are silent for most of their lives, and a task that waits keeps kilobytes of frames. So there is none: the
/// relay calls back, and what is kept is this.
@LoopActor
final class StreamServing {
    let gateway: Gateway
    let context: RequestContext
    private(set) var request: ModelRequest?
    private var itinerary: Itinerary?
    private var current: Attempt?
    private var relay: StreamRelay?
    private var keeping: Task<Void, Never>?
    /// Tells what is still waited for from what came too late.
    private var steps = 0

    init(_ request: ModelRequest, _ itinerary: Itinerary, _ context: RequestContext, gateway: Gateway) {
        self.request = request
        self.itinerary = itinerary
        self.context = context
        self.gateway = gateway
    }

    func begin() {
        relay = StreamRelay(context, services: gateway.services, owner: self)
        gateway.track(self)
        proceed(after: nil)
    }

    /// The worker is about to go and can wait no longer.
    func cutShort() { relay?.cutShort() }

    /// The client has content: no other upstream can be asked any more.
    func contentFlows() {
        // Not every upstream will say what it used, and not every stream comes to its end.
        if context.estimate == nil { context.estimate = request.map { TokenEstimate.usage(of: $0) } }
        request = nil
        itinerary = nil
        context.materials = Materials()
    }

    /// The whole of an answer in the client's dialect, where it may be wanted again.
    func keep(answer: [UInt8], then proceed: @escaping @LoopActor () -> Void) {
        // Ends with the answer of Redis, which has a deadline.
        Task.immediate { @LoopActor in
            await gateway.keep(answer, context)
            proceed()
        }
    }

    /// The provider wants something remembered for the next turn.
    func keep(_ states: [KeptState]) {
        let before = keeping
        // Ends with the answers of Redis, which have deadlines.
        keeping = Task.immediate { @LoopActor in
            await before?.value
            await gateway.gatherer.keep(states, owner: context.owner)
        }
    }

    var isKeeping: Bool { keeping != nil }

    /// Calls back when what is to be remembered is there for other workers.
    func whenKept(_ proceed: @escaping @LoopActor () -> Void) {
        guard let keeping = keeping.take() else { return proceed() }
        // Ends with what it waits for.
        Task.immediate { @LoopActor in
            await keeping.value
            proceed()
        }
    }

    /// The client has seen nothing of the current attempt.
    func attemptFailed(_ error: GatewayError) {
        guard let provider = current?.candidate.provider.web, context.plan?.opening != nil else {
            return goOn(after: error)
        }
        relay?.prepare(patience: provider.patience)
        let number = context.upstreamCalls
        // Ends with the last of the provider's calls, all of which have deadlines.
        Task.immediate { @LoopActor in
            var error = error
            let again = await gateway.reopen(provider, after: &error, context)
            guard current != nil, context.upstreamCalls == (again == nil ? number : number + 1) else { return }
            if let (opened, turn) = again { start(opened, turn, with: provider) } else { goOn(after: error) }
        }
    }

    private func goOn(after error: GatewayError) {
        context.plan?.opening = nil
        let attempt = current
        failed(error)
        if error.retry == .no || relay?.mayTryAgain != true { itinerary?.end() }
        learn(error, attempt)
    }

    /// The answer is over, well or badly; the client knows.
    func ended(_ reason: EndReason, _ error: GatewayError?) {
        if let error {
            failed(error)
        } else if reason == .done {
            current?.succeeded()
        } else {
            current?.abandoned()
        }
        current = nil
        finish(reason, error)
    }

    private func failed(_ error: GatewayError) {
        guard let attempt = current.take() else { return }
        gateway.note(error, attempt, context)
        gateway.report(error, attempt, request, context)
    }

    /// Makes the next attempt; where there is none, `last` is what the client gets to hear.
    private func proceed(after last: GatewayError?) {
        steps += 1
        guard let itinerary else { return giveUp(last) }
        take(itinerary.next(), after: last)
    }

    private func take(_ step: Itinerary.Step, after last: GatewayError?) {
        switch step {
        case .attempt(let attempt): make(attempt)
        case .ask:
            itinerary?.ask { [self] step in
                // The client may have left meanwhile.
                if case .attempt(let attempt) = step, relay == nil { return attempt.abandoned() }
                if relay != nil { take(step, after: last) }
            }
        case .over(let reason): giveUp(last ?? reason)
        }
    }

    private func make(_ attempt: Attempt) {
        guard let request else { return attempt.abandoned() }
        current = attempt
        if let provider = attempt.candidate.provider.web { return open(provider, request, attempt) }
        let needs = gateway.missing(request, attempt, context)
        if needs.isEmpty { return send(request, attempt) }
        // Ends with the last answer to what is asked for, all of which have deadlines.
        Task.immediate { @LoopActor in
            do throws(GatewayError) {
                try await gateway.gather(needs, context)
                // The client may have left meanwhile; then the attempt has been given back.
                if current != nil { send(request, attempt) }
            } catch {
                if current != nil { notSent(error) }
            }
        }
    }

    private func send(_ request: ModelRequest, _ attempt: Attempt) {
        let job = gateway.job(request, attempt, context)
        do throws(GatewayError) {
            switch try gateway.translate(job, attempt, context) {
            case .local(let answer): relay?.send(answer)
            case .upstream(let outgoing): relay?.start(outgoing, job, with: attempt.candidate.provider)
            case .batch: preconditionFailure("streams are never batches")
            }
        } catch {
            notSent(error)
        }
    }

    /// A web application's turn: what comes before its answer are calls of their own.
    private func open(_ provider: any WebProvider, _ request: ModelRequest, _ attempt: Attempt) {
        relay?.prepare(patience: provider.patience)
        let number = context.upstreamCalls + 1
        // Ends with the last of the provider's calls, all of which have deadlines.
        Task.immediate { @LoopActor in
            do throws(GatewayError) {
                let (opened, turn) = try await gateway.open(provider, request, attempt, context)
                // The client may have left meanwhile, or its patience ended; then the attempt has been given back.
                guard current != nil, context.upstreamCalls == number else { return }
                start(opened, turn, with: provider)
            } catch {
                if current != nil, context.upstreamCalls == number { notSent(error) }
            }
        }
    }

    private func start(_ opened: OpenedTurn, _ turn: Turn, with provider: any WebProvider) {
        let stream = TurnStream(opened, turn, id: context.streamName ?? "chatcmpl-\(context.id)")
        relay?.start(opened.request, stream, with: provider)
    }

    private func notSent(_ error: GatewayError) {
        let attempt = current
        failed(error)
        if error.retry == .no { itinerary?.end() }
        learn(error, attempt)
    }

    /// Goes on when the provider has told what it knows of the failure.
    private func learn(_ error: GatewayError, _ attempt: Attempt?) {
        guard let attempt, attempt.candidate.provider is any WebProvider else { return proceed(after: error) }
        steps += 1
        let step = steps
        // Ends with the last of the provider's calls, all of which have deadlines.
        Task.immediate { @LoopActor in
            let error = await gateway.learned(error, attempt, request, context)
            // The client may have left meanwhile, or its patience ended.
            if relay != nil, steps == step { proceed(after: error) }
        }
    }

    private func giveUp(_ error: GatewayError?) {
        let error = error ?? .noAttempt
        finish(relay?.giveUp(error) ?? .refused, error)
    }

    private func finish(_ reason: EndReason, _ error: GatewayError?) {
        relay = nil
        gateway.untrack(self)
        gateway.settle(context, reason, error)
    }
}

extension GatewayError {
    static var noAttempt: GatewayError { GatewayError(.internalError, "No attempt was made.") }
}
