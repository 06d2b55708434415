import Core
import EventLoop
import JSON
import State

/// Adding accounts to a pool: one, a list, or a pasted text; of several, each has its own fate.
@LoopActor
struct AccountAdding {
    let pool: AccountPool
    /// Seconds since 1970.
    let now: Int

    func answer(_ request: AdminRequest) async throws(GatewayError) -> AdminAnswer {
        if AccountInput.isText(request) { return try await addLines(request) }
        let body = try AdminObject(request, allowing: AccountInput.members + ["accounts"])
        guard body.has("accounts") else {
            let account = try await add(try AccountInput(body))
            return AdminAnswer(status: 201) { AccountJSON.write(account, now: now, to: &$0) }
        }
        if let name = AccountInput.members.first(where: { body.has($0) }) {
            throw .invalid(name, "'\(name)' stands beside 'accounts'; it belongs into each of them.")
        }
        var results: [Result<Account, GatewayError>] = []
        for (place, value) in (try body.list("accounts", most: AccountInput.most) ?? []).enumerated() {
            results.append(
                await result { () async throws(GatewayError) in
                    let path = "accounts[\(place)]"
                    let object = try AdminObject(value, path: path, allowing: AccountInput.members)
                    return try await add(try AccountInput(object))
                }
            )
        }
        return answer(results)
    }

    private func addLines(_ request: AdminRequest) async throws(GatewayError) -> AdminAnswer {
        let lines = AccountLine.lines(of: request.body)
        guard (1...AccountInput.most).contains(lines.count) else {
            throw .invalid(nil, "The text must hold from 1 to \(AccountInput.most) credentials, one a line.")
        }
        var results: [Result<Account, GatewayError>] = []
        for line in lines {
            results.append(await result { () async throws(GatewayError) in try await add(try AccountInput(line)) })
        }
        return answer(results)
    }

    private func add(_ input: AccountInput) async throws(GatewayError) -> Account {
        try await pool.add(
            credential: input.credential,
            note: input.note,
            tags: input.tags,
            weight: input.weight,
            concurrency: input.concurrency
        )
    }

    private func result(
        _ body: () async throws(GatewayError) -> Account
    ) async -> Result<Account, GatewayError> {
        do throws(GatewayError) {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }

    private func answer(_ results: [Result<Account, GatewayError>]) -> AdminAnswer {
        .list(Array(results.enumerated())) { AccountJSON.write($0.element, line: $0.offset, to: &$1) }
    }
}
