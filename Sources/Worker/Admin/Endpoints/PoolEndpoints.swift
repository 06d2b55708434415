import Core
import EventLoop
import HTTPCodec
import JSON
import State

/// The accounts at upstreams, by pool.
@LoopActor
struct PoolEndpoints {
    let parts: AdminParts
    /// Seconds since 1970.
    let now: Int

    /// Reading an account opens its credential; so many take a few milliseconds, and the loop is others' too.
    private static let pageSize = 100
    private static let pageLimit = 200
    private static let removalLimit = 1000
    /// More cool-downs than anyone reads.
    private static let cooldownLimit = 1000

    func answer(_ route: AdminRoute, _ request: AdminRequest) async throws(GatewayError) -> AdminAnswer {
        switch (route, request.method) {
        case (.pools, _): return try await summaries()
        case (.cooldowns, _): return try await cooldowns()
        case (.accounts(let name), .get): return try await list(try pool(name), request)
        case (.accounts(let name), .post):
            return try await AccountAdding(pool: try pool(name), now: now, form: form(name)).answer(request)
        case (.accounts(let name), _): return try await remove(try pool(name), request)
        case (.account(let name, let id), .get): return try await show(id, try pool(name))
        case (.account(let name, let id), .patch): return try await update(id, try pool(name), request)
        case (.account(let name, let id), _):
            guard try await remove(id, try pool(name)) else { throw Self.unknown }
            return .deleted("account", id)
        case (.clearCooldown(let name, let id), _): return try await clear(id, try pool(name), request)
        default: throw .invalid(nil, "There is nothing at this path.", code: .notFound)
        }
    }

    private func summaries() async throws(GatewayError) -> AdminAnswer {
        var summaries: [PoolSummary] = []
        for pool in parts.pools {
            var summary = PoolSummary(pool.name)
            try await forEachAccount(of: pool) { account in
                summary.add(account, now: now)
                return true
            }
            summaries.append(summary)
        }
        return .list(summaries) { $0.write(to: &$1) }
    }

    private func cooldowns() async throws(GatewayError) -> AdminAnswer {
        var found: [(account: Account, cooldown: Cooldown)] = []
        for pool in parts.pools {
            try await forEachAccount(of: pool) { account in
                for cooldown in account.activeCooldowns(now: now) { found.append((account, cooldown)) }
                return found.count < Self.cooldownLimit
            }
        }
        found.sort { $0.cooldown.until < $1.cooldown.until }
        return .list(found) { AccountJSON.write($0.cooldown, of: $0.account, now: now, to: &$1) }
    }

    private func list(_ pool: AccountPool, _ request: AdminRequest) async throws(GatewayError) -> AdminAnswer {
        let query = try request.query(allowing: ["limit", "after"])
        let limit = try query.limit(most: Self.pageLimit)
        let start = try query.integer("after", in: 0...1 << 40) ?? 0
        // One more than asked for tells whether there are more.
        let page = try await pool.page(from: start, count: limit + 1)
        let next = page.count > limit ? String(start + limit) : nil
        let accounts = Array(page.prefix(limit))
        let tests = try await tests(of: accounts, pool)
        return .list(accounts, next: next) { AccountJSON.write($0, tested: tests[$0.id], now: now, to: &$1) }
    }

    private func show(_ id: String, _ pool: AccountPool) async throws(GatewayError) -> AdminAnswer {
        guard let account = try await pool.account(id) else { throw Self.unknown }
        let tests = try await tests(of: [account], pool)
        return AdminAnswer { AccountJSON.write(account, tested: tests[id], now: now, to: &$0) }
    }

    private func tests(
        of accounts: [Account],
        _ pool: AccountPool
    ) async throws(GatewayError) -> [String: Examination] {
        try await parts.examinations?.examinations(of: accounts.map(\.id), pool: pool.name) ?? [:]
    }

    /// Removes several; each row tells whether it was there.
    private func remove(_ pool: AccountPool, _ request: AdminRequest) async throws(GatewayError) -> AdminAnswer {
        let body = try AdminObject(request, allowing: ["ids"])
        guard let ids = try body.texts("ids", most: Self.removalLimit), !ids.isEmpty else {
            throw .invalid("ids", "'ids' must name the accounts.", code: .missingParameter)
        }
        var rows: [(id: String, result: Result<Bool, GatewayError>)] = []
        for id in ids {
            do throws(GatewayError) {
                rows.append((id, .success(try await remove(id, pool))))
            } catch {
                guard error.code == .conflict else { throw error }
                rows.append((id, .failure(error)))
            }
        }
        return .list(rows) { row, writer in AccountJSON.write(removed: row.id, row.result, to: &writer) }
    }

    private func remove(_ id: String, _ pool: AccountPool) async throws(GatewayError) -> Bool {
        guard try await pool.remove(id) else { return false }
        try await parts.examinations?.forget(id, pool: pool.name)
        return true
    }

    private func update(
        _ id: String,
        _ pool: AccountPool,
        _ request: AdminRequest
    ) async throws(GatewayError) -> AdminAnswer {
        let body = try AdminObject(request, allowing: AccountInput.members + ["enabled"])
        let isEnabled = try body.flag("enabled")
        var changes = try AccountInput.changes(body)
        if let given = changes.credential {
            guard let credential = form(pool.name).reads(given) else {
                throw .invalid("credential", "This is no credential of \(pool.name).")
            }
            changes.credential = credential
        }
        if AccountInput.members.contains(where: { body.has($0) }) {
            guard try await pool.update(id, changes) != nil else { throw Self.unknown }
        }
        if let isEnabled {
            guard try await pool.setEnabled(id, isEnabled) else { throw Self.unknown }
        }
        return try await show(id, pool)
    }

    /// Ends the rest of one model, of the account, or with `all` of everything on it.
    private func clear(
        _ id: String,
        _ pool: AccountPool,
        _ request: AdminRequest
    ) async throws(GatewayError) -> AdminAnswer {
        var model: String?
        var isAll = false
        if !request.body.isEmpty {
            let body = try AdminObject(request, allowing: ["model", "all"])
            model = try body.text("model")
            isAll = try body.flag("all") ?? false
            guard model == nil || !isAll else { throw .invalid("all", "'all' and 'model' exclude each other.") }
        }
        guard let account = try await pool.account(id) else { throw Self.unknown }
        let models = isAll ? [nil] + account.cooldowns.compactMap(\.model) : [model]
        for model in models { _ = try await pool.clearCooldown(id, model: model) }
        return try await show(id, pool)
    }

    /// Calls `body` with each account until it returns false.
    private func forEachAccount(
        of pool: AccountPool,
        _ body: (Account) -> Bool
    ) async throws(GatewayError) {
        var start = 0
        while true {
            let page = try await pool.page(from: start, count: Self.pageSize)
            for account in page {
                guard body(account) else { return }
            }
            guard page.count == Self.pageSize else { return }
            start += page.count
        }
    }

    private func pool(_ name: String) throws(GatewayError) -> AccountPool { try parts.pool(name) }

    private func form(_ name: String) -> CredentialForm { parts.credentialForms[name] ?? CredentialForm() }

    private static var unknown: GatewayError { .invalid(nil, "There is no such account.", code: .notFound) }
}

extension Cooldown {
    fileprivate var model: String? {
        if case .model(let model) = scope { model } else { nil }
    }
}
