import Core
import EventLoop
import HTTPCodec
import HTTPServer
import OpenAIAPI
import Providers
import Upstream

/// Whole answers: asking one upstream after the other until one serves the request, within the retry budget.
extension Gateway {
    func answerWhole(_ request: ModelRequest, _ attempts: [Attempt], _ context: RequestContext) async {
        let deadline = context.receivedAt.advanced(by: configuration.timeouts.request)
        var last: GatewayError?
        for attempt in attempts {
            do throws(GatewayError) {
                switch try translate(request, attempt, context) {
                case .local(let answer):
                    context.usage = answer.usage
                    send(answer.body, nil, context)
                    return settle(context, .done)
                case .upstream(let outgoing):
                    return settle(context, try await ask(outgoing, request, attempt, context, deadline))
                }
            } catch {
                note(error, attempt, context)
                last = error
            }
            guard last?.retry != .no, LoopClock.now < deadline else { break }
        }
        let error = last ?? GatewayError(.internalError, "No attempt was made.")
        ErrorAnswer.send(error, context)
        settle(context, EndReason(error), error)
    }

    func translate(
        _ request: ModelRequest,
        _ attempt: Attempt,
        _ context: RequestContext
    ) throws(GatewayError) -> Call {
        context.candidate = attempt.candidate
        let call = try attempt.candidate.provider.translate(request, model: attempt.candidate.model, key: attempt.key)
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
                throw attempt.candidate.provider.failure(
                    FailedAnswer(
                        status: head.status,
                        body: body,
                        retryAfter: head.firstText("retry-after"),
                        now: WallClock.seconds
                    )
                )
            }
            let answer = try attempt.candidate.provider.translateAnswer(body, to: request)
            context.usage = answer.usage
            send(answer.body, head, context)
            return .done
        }
    }

    private func send(_ body: [UInt8], _ head: UpstreamHead?, _ context: RequestContext) {
        context.firstByteAt = LoopClock.now
        context.exchange.respond(status: 200, body: body) { output in
            AnswerHeaders.append(context, contentType: "application/json", to: &output)
            AnswerHeaders.appendUpstream(head, to: &output)
        }
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
