import Core
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
                switch try translate(request, attempt, context) {
                case .local(let answer):
                    context.usage = answer.usage
                    attempt.succeeded()
                    send(answer.body, nil, context)
                    return settle(context, .done)
                case .upstream(let outgoing):
                    let reason = try await ask(outgoing, request, attempt, context, deadline)
                    if reason == .done { attempt.succeeded() } else { attempt.abandoned() }
                    return settle(context, reason)
                }
            } catch {
                note(error, attempt, context)
                report(error, attempt, request, context)
                last = error
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

    func translate(
        _ request: ModelRequest,
        _ attempt: Attempt,
        _ context: RequestContext
    ) throws(GatewayError) -> Call {
        context.candidate = attempt.candidate
        context.account = attempt.lease?.account.id ?? ""
        let call = try attempt.candidate.provider.translate(
            request,
            model: attempt.candidate.model,
            key: attempt.credential
        )
        if case .upstream = call {
            context.upstreamCalls += 1
            context.upstreamAskedAt = LoopClock.now
            context.upstreamAnsweredAt = nil
            context.connectMicroseconds = nil
        }
        return call
    }

    private func ask(
        _ outgoing: OutgoingRequest,
        _ request: ModelRequest,
        _ attempt: Attempt,
        _ context: RequestContext,
        _ deadline: Instant
    ) async throws(GatewayError) -> EndReason {
        let call = PlainCall(context.exchange)
        let result = await call.run(outgoing, on: services.upstream, until: deadline)
        context.upstreamAnsweredAt = LoopClock.now
        context.connectMicroseconds = call.timings.isReused ? 0 : call.timings.connect
        switch result {
        case .clientGone: return .clientGone
        case .failed(let error): throw error
        case .answered(let head, let body):
            guard (200..<300).contains(head.status) else {
                throw attempt.candidate.provider.failure(head, body)
            }
            let answer = try attempt.candidate.provider.translateAnswer(body, to: request)
            context.usage = answer.usage
            if answer.usage == nil, context.estimate == nil { context.estimate = TokenEstimate.usage(of: request) }
            send(answer.body, head, context)
            return .done
        }
    }

    private func send(_ body: [UInt8], _ head: UpstreamHead?, _ context: RequestContext) {
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
