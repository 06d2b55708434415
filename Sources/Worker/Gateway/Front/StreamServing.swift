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
    private let gateway: Gateway
    private let context: RequestContext
    private var request: ModelRequest?
    private var attempts: ArraySlice<Attempt>
    private var current: Attempt?
    private var relay: StreamRelay?

    init(_ request: ModelRequest, _ attempts: [Attempt], _ context: RequestContext, gateway: Gateway) {
        self.request = request
        self.attempts = attempts[...]
        self.context = context
        self.gateway = gateway
    }

    func begin() {
        relay = StreamRelay(context, services: gateway.services, owner: self)
        gateway.track(self)
        proceed(after: GatewayError(.internalError, "No attempt was made."))
    }

    /// The worker is about to go and can wait no longer.
    func cutShort() { relay?.cutShort() }

    /// The client has content: no other upstream can be asked any more.
    func contentFlows() {
        request = nil
        attempts = []
    }

    /// The client has seen nothing of the current attempt.
    func attemptFailed(_ error: GatewayError) {
        if let current { gateway.note(error, current, context) }
        if error.retry == .no || relay?.mayTryAgain != true { attempts = [] }
        proceed(after: error)
    }

    /// The answer is over, well or badly; the client knows.
    func ended(_ reason: EndReason, _ error: GatewayError?) {
        if let error, let current { gateway.note(error, current, context) }
        finish(reason, error)
    }

    /// Makes the next attempt; where there is none, `last` is what the client gets to hear.
    private func proceed(after last: GatewayError) {
        var last = last
        while let attempt = attempts.popFirst(), let request {
            current = attempt
            do throws(GatewayError) {
                switch try gateway.translate(request, attempt, context) {
                case .local(let answer): relay?.send(answer)
                case .upstream(let outgoing): relay?.start(outgoing, request, with: attempt.candidate.provider)
                }
                return
            } catch {
                gateway.note(error, attempt, context)
                last = error
                if error.retry == .no { break }
            }
        }
        finish(relay?.giveUp(last) ?? .refused, last)
    }

    private func finish(_ reason: EndReason, _ error: GatewayError?) {
        relay = nil
        gateway.untrack(self)
        gateway.settle(context, reason, error)
    }
}
