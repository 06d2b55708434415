import Core
import EventLoop
import HTTPCodec
import JSON
import State

/// The API keys of the cluster.
@LoopActor
struct KeyEndpoints {
    let ring: KeyRing
    let now: Int

    func answer(_ route: AdminRoute, _ request: AdminRequest) async throws(GatewayError) -> AdminAnswer {
        switch (route, request.method) {
        case (.keys, .get): return try await list(request)
        default: throw .invalid(nil, "There is nothing at this path.", code: .notFound)
        }
    }

    private func list(_ request: AdminRequest) async throws(GatewayError) -> AdminAnswer {
        let query = try request.query(allowing: ["limit", "after"])
        let limit = try query.limit()
        let start = try query.integer("after", in: 0...Int.max - 1001) ?? 0
        let page = try await ring.page(from: start, count: limit)
        return .list(page, next: page.count == limit ? String(start + limit) : nil) { record, writer in
            writer.beginObject()
            writer.member("digest", record.digest)
            writer.endObject()
        }
    }
}
