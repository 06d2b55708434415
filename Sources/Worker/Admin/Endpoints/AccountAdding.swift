import Core
import EventLoop
import JSON
import State

/// Adding accounts to a pool: one, a list, or whatever people paste; of several, each has its own fate.
@LoopActor
struct AccountAdding {
    let pool: AccountPool
    /// Seconds since 1970.
    let now: Int
    let form: CredentialForm

    func answer(_ request: AdminRequest) async throws(GatewayError) -> AdminAnswer {
        if AccountInput.isText(request) { return try await add(AccountImport(request.body, in: form)) }
        if let list = try AdminObject.array(request) { return try await add(AccountImport(list, in: form)) }
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
                    if let text = value.string {
                        guard let line = AccountLine(text[...]) else {
                            throw .invalid("accounts[\(place)]", "'accounts[\(place)]' is empty.")
                        }
                        return try await add(try AccountInput(line))
                    }
                    let path = "accounts[\(place)]"
                    let object = try AdminObject(value, path: path, allowing: AccountInput.members)
                    return try await add(try AccountInput(object))
                }
            )
        }
        return answer(results, empty: 0)
    }

    private func add(_ accounts: AccountImport) async throws(GatewayError) -> AdminAnswer {
        guard (1...AccountInput.most).contains(accounts.entries.count) else {
            throw .invalid(nil, "The body must hold from 1 to \(AccountInput.most) credentials, one a line or in JSON.")
        }
        var results: [Result<Account, GatewayError>] = []
        for entry in accounts.entries {
            results.append(
                await result { () async throws(GatewayError) in
                    switch entry {
                    case .account(let line): return try await add(try AccountInput(line))
                    case .unreadable(let reason): throw .invalid("credential", reason)
                    }
                }
            )
        }
        return answer(results, empty: accounts.empty)
    }

    private func add(_ input: AccountInput) async throws(GatewayError) -> Account {
        guard let credential = form.reads(input.credential) else {
            throw .invalid("credential", "This is no credential of \(pool.name).")
        }
        return try await pool.add(
            credential: credential,
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

    private func answer(_ results: [Result<Account, GatewayError>], empty: Int) -> AdminAnswer {
        let counts = AccountCounts(results, empty: empty)
        return .list(
            Array(results.enumerated()),
            beside: { counts.writeMembers(to: &$0) },
            { AccountJSON.write($0.element, line: $0.offset, to: &$1) }
        )
    }
}
