import Core
import EventLoop
import HTTPCodec
import JSON
import State

/// The API keys of the cluster. A key is named by its digest, or by as much of its beginning as is unique.
@LoopActor
struct KeyEndpoints {
    let ring: KeyRing
    let limits: RateLimits?
    /// Seconds since 1970.
    let now: Int

    func answer(_ route: AdminRoute, _ request: AdminRequest) async throws(GatewayError) -> AdminAnswer {
        switch (route, request.method) {
        case (.keys, .get): return try await list(request)
        case (.keys, _): return try await create(request)
        case (.key(let name), .get):
            let key = try await find(name)
            return answer(key)
        case (.key(let name), .patch): return try await update(name, request)
        case (.key(let name), _): return try await remove(name)
        case (.keyUsage(let name), _): return try await usage(name)
        case (.budgetReset(let name, let index), _): return try await resetBudget(name, index)
        default: throw .invalid(nil, "There is nothing at this path.", code: .notFound)
        }
    }

    private func list(_ request: AdminRequest) async throws(GatewayError) -> AdminAnswer {
        let query = try request.query(allowing: ["limit", "after"])
        let limit = try query.limit()
        let start = try query.integer("after", in: 0...1 << 40) ?? 0
        // One more than asked for tells whether there are more.
        let page = try await ring.page(from: start, count: limit + 1)
        let next = page.count > limit ? String(start + limit) : nil
        return .list(Array(page.prefix(limit)), next: next) { KeyJSON.write($0, now: now, to: &$1) }
    }

    private func create(_ request: AdminRequest) async throws(GatewayError) -> AdminAnswer {
        let body = try AdminObject(request, allowing: KeyInput.members.filter { $0 != "enabled" })
        let name = try body.requiredText("name")
        let expires: Int? = if case .at(let time)? = try KeyInput.expiry(body) { time } else { nil }
        let made = try await ring.create(
            name: name,
            owner: try body.text("owner") ?? name,
            expires: expires,
            models: try body.texts("models") ?? [],
            limits: try KeyInput.limits(body)?.asLimits ?? KeyLimits()
        )
        return AdminAnswer(status: 201) { KeyJSON.write(made.record, text: made.text, now: now, to: &$0) }
    }

    private func update(_ name: String, _ request: AdminRequest) async throws(GatewayError) -> AdminAnswer {
        let body = try AdminObject(request, allowing: KeyInput.members)
        let key = try await find(name)
        let changes = KeyChanges(
            name: try body.text("name"),
            owner: try body.text("owner"),
            isEnabled: try body.flag("enabled"),
            models: body.has("models") ? try body.texts("models") ?? [] : nil,
            expiry: try KeyInput.expiry(body),
            limits: try KeyInput.limits(body)
        )
        guard let changed = try await ring.update(key.digest, changes) else { throw Self.unknown }
        return answer(changed)
    }

    private func remove(_ name: String) async throws(GatewayError) -> AdminAnswer {
        let key = try await find(name)
        guard try await ring.remove(key.digest) else { throw Self.unknown }
        try await limits?.forget(key.digest)
        return .deleted("key", key.digest)
    }

    private func usage(_ name: String) async throws(GatewayError) -> AdminAnswer {
        let key = try await find(name)
        guard let limits else { throw Self.unlimited }
        let usage = try await limits.usage(key.digest, key.limits)
        return AdminAnswer { KeyJSON.write(usage, of: key.digest, to: &$0) }
    }

    private func resetBudget(_ name: String, _ index: Int) async throws(GatewayError) -> AdminAnswer {
        let key = try await find(name)
        guard let limits else { throw Self.unlimited }
        guard key.limits.budgets.indices.contains(index) else {
            throw .invalid(nil, "The key has no budget of this number.", code: .notFound)
        }
        try await limits.resetBudget(key.digest, key.limits.budgets[index])
        return try await usage(key.digest)
    }

    private func find(_ name: String) async throws(GatewayError) -> KeyRecord {
        let found = try await ring.find(name)
        guard let key = found.first else { throw Self.unknown }
        guard found.count == 1 else {
            throw GatewayError(.conflict, "Several keys have digests that begin so.", source: .client)
        }
        return key
    }

    private func answer(_ key: KeyRecord) -> AdminAnswer { AdminAnswer { KeyJSON.write(key, now: now, to: &$0) } }

    private static var unknown: GatewayError { .invalid(nil, "There is no such key.", code: .notFound) }
    private static var unlimited: GatewayError { .invalid(nil, "This worker keeps no limits.", code: .notFound) }
}
