import Core
import EventLoop
import HTTPCodec
import HTTPServer
import OpenAIAPI
import Providers

/// Whole answers of web applications.
extension Gateway {
    /// Opens the turn, reads its answer, and what it goes on with, and answers the client.
    func answerTurn(
        _ provider: any WebProvider,
        _ request: ModelRequest,
        _ attempt: Attempt,
        _ context: RequestContext,
        _ deadline: Instant
    ) async throws(GatewayError) -> EndReason {
        context.exchange.onClientGone = { context.plan?.desk?.close() }
        var opened: OpenedTurn
        let turn: Turn
        do throws(GatewayError) {
            (opened, turn) = try await open(provider, request, attempt, context)
        } catch {
            if context.exchange.isClientGone { return .clientGone }
            throw error
        }
        while true {
            do throws(GatewayError) {
                return try await finish(opened, turn, provider, context, deadline)
            } catch {
                var error = error
                guard let again = await reopen(provider, after: &error, context) else { throw error }
                opened = again.0
            }
        }
    }

    /// Makes the call that brings the answer, and those that it goes on with.
    private func finish(
        _ opened: OpenedTurn,
        _ turn: Turn,
        _ provider: any WebProvider,
        _ context: RequestContext,
        _ deadline: Instant
    ) async throws(GatewayError) -> EndReason {
        var answer = TurnAnswer(
            opened,
            turn,
            id: "chatcmpl-\(context.id)"
        )
        var next: OutgoingRequest? = opened.request
        var isFurther = false
        while let outgoing = next {
            let call = PlainCall(context.exchange)
            do throws(GatewayError) {
                guard let (_, body) = try await ask(outgoing, provider, context, deadline, by: call) else {
                    return .clientGone
                }
                next = try answer.receive(body)
            } catch {
                guard isFurther || !call.partial.isEmpty, LoopClock.now < deadline else { throw error }
                next = try answer.receive(call.partial, until: error)
            }
            isFurther = true
            if let further = next, let desk = context.plan?.desk {
                next = try await provider.prepare(further, turn, at: desk)
            }
        }
        keep(answer.takeFiles(), context)
        let usage = try await conclude(answer.end, context)
        context.usage = usage
        send(try await said(answer.bytes(usage: usage), context), nil, context)
        return .done
    }
}
