import Core
import EventLoop
import State

/// Leads each request to the endpoint that answers it.
@LoopActor
struct AdminEndpoints {
    let parts: AdminParts

    func answer(
        _ route: AdminRoute,
        _ request: AdminRequest,
        _ caller: AdminAuthenticator.Caller
    ) async throws(GatewayError) -> AdminAnswer {
        switch route {
        case .keys, .key, .keyUsage, .budgetReset:
            guard let ring = parts.keyRing else { throw Self.absent }
            return try await KeyEndpoints(ring: ring, now: parts.now()).answer(route, request)
        default: throw Self.absent
        }
    }

    private static var absent: GatewayError {
        .invalid(nil, "This worker does not have that.", code: .notFound)
    }
}
