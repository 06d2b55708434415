import Core
import EventLoop

/// Whether new requests should be sent here: the state is reachable and the worker stays.
@LoopActor
final class Readiness {
    var isDraining = false
    private let isStateReachable: @LoopActor () -> Bool

    init(isStateReachable: @escaping @LoopActor () -> Bool) {
        self.isStateReachable = isStateReachable
    }

    func answer(_ context: RequestContext) throws(GatewayError) {
        guard !isDraining else { throw GatewayError(.overloaded, "The worker is shutting down.") }
        guard isStateReachable() else { throw GatewayError(.stateUnavailable, "Redis cannot be reached.") }
        Endpoints.sendStatus("{\"status\":\"ready\"}", context)
    }
}
