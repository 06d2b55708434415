import Core
import Dialects
import EventLoop
import HTTPCodec
import HTTPServer
import JSON
import OpenAIAPI
import Providers
import State
import Upstream

/// Whole answers: asking one upstream after the other until one serves the request, within the retry budget.
extension Gateway {
    func answerWhole(_ request: ModelRequest, _ itinerary: Itinerary, _ context: RequestContext) async {
        let deadline = context.receivedAt.advanced(by: configuration.timeouts.request)
        var last: GatewayError?
        while let attempt = await nextAttempt(itinerary, &last) {
            do throws(GatewayError) {
                if let provider = attempt.candidate.provider.web {
                    let reason = try await answerTurn(provider, request, attempt, context, deadline)
                    if reason == .done { attempt.succeeded() } else { attempt.abandoned() }
                    return settle(context, reason)
                }
                let needs = missing(request, attempt, context)
                if !needs.isEmpty { try await gather(needs, context) }
                let job = job(request, attempt, context)
                let reason = try await serve(translate(job, attempt, context), job, attempt, context, deadline)
                if reason == .done { attempt.succeeded() } else { attempt.abandoned() }
                return settle(context, reason)
            } catch {
                note(error, attempt, context)
                report(error, attempt, request, context)
                last = await learned(error, attempt, request, context)
            }
            guard last?.retry != .no, LoopClock.now < deadline else { break }
        }
        let error = last ?? .noAttempt
        ErrorAnswer.send(error, context)
        settle(context, context.exchange.isClientGone ? .clientGone : EndReason(error), error)
    }

    /// Nothing when all that could be tried was, or when nothing could be; then `last` says why.
    private func nextAttempt(_ itinerary: Itinerary, _ last: inout GatewayError?) async -> Attempt? {
        var step = itinerary.next()
        if case .ask = step {
            step = await withCheckedContinuation { continuation in
                itinerary.ask { continuation.resume(returning: $0) }
            }
        }
        switch step {
        case .attempt(let attempt): return attempt
        case .over(let reason): last = last ?? reason
        case .ask: break
        }
        return nil
    }

    /// What must still be gathered before the attempt can be made.
    func missing(_ request: ModelRequest, _ attempt: Attempt, _ context: RequestContext) -> Needs {
        let needs = attempt.candidate.provider.needs(of: request, model: attempt.candidate.model)
        return needs.isEmpty ? needs : gatherer.missing(needs, in: context.materials)
    }

    func gather(_ needs: Needs, _ context: RequestContext) async throws(GatewayError) {
        context.materials = try await gatherer.gather(needs, owner: context.owner, beside: context.materials)
    }

    func job(_ request: ModelRequest, _ attempt: Attempt, _ context: RequestContext) -> Job {
        Job(
            request,
            model: attempt.candidate.model,
            key: attempt.credential,
            endpoint: attempt.candidate.seat?.endpoint,
            materials: context.materials,
            dropsUnsupported: configuration.dropsUnsupported
        )
    }

    func translate(_ job: Job, _ attempt: Attempt, _ context: RequestContext) throws(GatewayError) -> Call {
        context.candidate = attempt.candidate
        context.account = attempt.lease?.account.id ?? ""
        let call = try attempt.candidate.provider.translate(job)
        if case .local = call { return call }
        context.upstreamCalls += 1
        context.upstreamAskedAt = LoopClock.now
        context.upstreamAnsweredAt = nil
        context.connectMicroseconds = nil
        return call
    }

    private func serve(
        _ call: Call,
        _ job: Job,
        _ attempt: Attempt,
        _ context: RequestContext,
        _ deadline: Instant
    ) async throws(GatewayError) -> EndReason {
        let provider = attempt.candidate.provider
        switch call {
        case .local(let answer):
            context.usage = answer.usage
            send(try await said(answer.body, context), nil, context)
        case .upstream(let outgoing):
            guard let (head, body) = try await ask(outgoing, provider, context, deadline) else { return .clientGone }
            try await finish(provider.translateAnswer(body, to: job), head, job, context)
        case .batch(let requests):
            var bodies: [[UInt8]] = []
            for outgoing in requests {
                guard let (_, body) = try await ask(outgoing, provider, context, deadline) else { return .clientGone }
                bodies.append(body)
            }
            try await finish(provider.translateAnswers(bodies, to: job), nil, job, context)
        }
        return .done
    }

    private func finish(
        _ answer: PlainAnswer,
        _ head: UpstreamHead?,
        _ job: Job,
        _ context: RequestContext
    ) async throws(GatewayError) {
        let body = try await said(answer.body, context)
        context.usage = answer.usage
        if answer.usage == nil, context.estimate == nil { context.estimate = TokenEstimate.usage(of: job.request) }
        if !answer.kept.isEmpty { await gatherer.keep(answer.kept, owner: context.owner) }
        send(body, head, context)
        // The client has its answer; what it used is still to be known.
        if answer.usage == nil { context.counted = await TokenCount.usage(of: job.request, answer.body) }
    }

    /// The answer in the client's dialect.
    func said(_ body: [UInt8], _ context: RequestContext) async throws(GatewayError) -> [UInt8] {
        guard let dialect = context.dialect else { return body }
        let answer = try dialect.answer(body)
        // What the client may refer to must be there before it knows of it.
        await keep(answer, context)
        return answer
    }

    /// A successful answer; nothing when the client has left.
    func ask(
        _ outgoing: OutgoingRequest,
        _ provider: any Provider,
        _ context: RequestContext,
        _ deadline: Instant
    ) async throws(GatewayError) -> (UpstreamHead, [UInt8])? {
        try await ask(outgoing, provider, context, deadline, by: PlainCall(context.exchange))
    }

    func ask(
        _ outgoing: OutgoingRequest,
        _ provider: any Provider,
        _ context: RequestContext,
        _ deadline: Instant,
        by call: PlainCall
    ) async throws(GatewayError) -> (UpstreamHead, [UInt8])? {
        let result = await call.run(outgoing, on: services.upstream, until: deadline)
        context.upstreamAnsweredAt = LoopClock.now
        context.connectMicroseconds = call.timings.isReused ? 0 : call.timings.connect
        switch result {
        case .clientGone: return nil
        case .failed(let error): throw error
        case .answered(let head, let body):
            guard (200..<300).contains(head.status) else { throw provider.failure(head, body) }
            return (head, body)
        }
    }

    func send(_ body: [UInt8], _ head: UpstreamHead?, _ context: RequestContext) {
        context.firstByteAt = LoopClock.now
        context.answerBytes = body.count
        context.exchange.respond(status: 200, body: body) { output in
            AnswerHeaders.append(context, contentType: "application/json", to: &output)
            AnswerHeaders.appendUpstream(head, showsLimits: context.rates == nil, to: &output)
        }
    }

    /// Lets the account bear what follows from the failure.
    func report(_ error: GatewayError, _ attempt: Attempt, _ request: ModelRequest?, _ context: RequestContext) {
        guard configuration.coolsDown else { return attempt.abandoned() }
        attempt.failed(error, context.id, body: request?.document.source)
    }

    /// Keeps a failed attempt visible to the operator even where the client never learns of it.
    func note(_ error: GatewayError, _ attempt: Attempt, _ context: RequestContext) {
        metrics.attemptFailed(attempt.candidate, error)
        guard log.isEnabled(error.logLevel) else { return }
        log(
            error.logLevel,
            "upstream attempt failed",
            LogField("request_id", context.id),
            LogField("provider", attempt.candidate.provider.name),
            LogField("model", attempt.candidate.model),
            LogField("error", error.label),
            LogField("cause", error.cause ?? ""),
            LogField("call", context.upstreamCalls)
        )
    }
}
