import Core
import EventLoop
import Upstream

/// What relays need of the gateway.
@LoopActor
struct RelayServices {
    let upstream: UpstreamClient
    let lingering: LingeringTransfers
    var limits: RelayLimits
    /// Answers a request that has had no byte yet with an error.
    let answer: @LoopActor (GatewayError, RequestContext) -> Void
}
