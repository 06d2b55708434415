import Core
import EventLoop
import JSON
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
            let ring = try Self.present(parts.keyRing)
            return try await KeyEndpoints(ring: ring, limits: parts.limits, now: parts.now()).answer(route, request)
        case .pools, .accounts, .account, .clearCooldown, .cooldowns:
            return try await PoolEndpoints(parts: parts, now: parts.now()).answer(route, request)
        case .accountTest, .poolTest:
            return try await ExaminationEndpoints(parts: parts).answer(route, request)
        case .usage:
            return try await UsageEndpoints(ledger: try Self.present(parts.ledger), now: parts.now()).usage(request)
        case .logs:
            return try await UsageEndpoints(ledger: try Self.present(parts.ledger), now: parts.now()).log(request)
        case .settings:
            return try await SettingEndpoints(settings: try Self.present(parts.settings)).list(request)
        case .setting(let name):
            return try await SettingEndpoints(settings: try Self.present(parts.settings)).answer(name, request, caller)
        case .workers:
            return try await WorkerEndpoints(directory: try Self.present(parts.directory)).list(request)
        case .prices: return try prices(request)
        case .session: throw Self.absent
        }
    }

    private func prices(_ request: AdminRequest) throws(GatewayError) -> AdminAnswer {
        _ = try request.query(allowing: [])
        let prices = try Self.present(parts.prices())
        return AdminAnswer { writer in
            writer.beginObject()
            writer.member("object", "prices")
            writer.member("unit", "usd per million tokens")
            writer.key("prices")
            prices.write(to: &writer)
            writer.endObject()
        }
    }

    private static func present<Part>(_ part: Part?) throws(GatewayError) -> Part {
        guard let part else { throw absent }
        return part
    }

    private static var absent: GatewayError {
        .invalid(nil, "This worker does not have that.", code: .notFound)
    }
}
