import Core
import EventLoop
import HTTPServer
import OpenAIAPI

/// One request on its way through the gateway: who asks, what has been spent, how it ended.
@LoopActor
final class RequestContext {
    let id: String
    let exchange: Exchange
    let receivedAt: Instant
    /// For the log and the counters; never the key itself.
    var caller = ""
    var route = Route.unknown
    var model = ""
    var streams = false
    var candidate: Candidate?

    var authenticatedAt: Instant?
    var upstreamAskedAt: Instant?
    var upstreamAnsweredAt: Instant?
    var firstByteAt: Instant?
    var connectMicroseconds: Int?

    var upstreamCalls = 0
    var chunks = 0
    var usage: TokenUsage?
    /// In nano-dollars; nil where no price is known.
    var cost: Int?

    init(id: String, exchange: Exchange, receivedAt: Instant) {
        self.id = id
        self.exchange = exchange
        self.receivedAt = receivedAt
    }
}
