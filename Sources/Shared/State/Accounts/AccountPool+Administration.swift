package import Core
internal import EventLoop
internal import JSON
internal import Redis

/// Adding, changing and listing accounts: for the command line and the console, not for requests.
extension AccountPool {
    /// Adds an account; its credential is stored sealed. Without a `concurrency` it has the pool's usual one.
    package func add(
        credential: String,
        note: String = "",
        tags: [String] = [],
        weight: Int = 1,
        concurrency: Int? = nil
    ) async throws(GatewayError) -> Account {
        let id = Self.id(of: credential, pool: name)
        let changes = Account.Changes(
            credential: credential,
            note: note,
            tags: tags,
            weight: weight,
            concurrency: .some(concurrency ?? options.usualConcurrency)
        )
        guard let account = try await write(id, changes, isNew: true) else {
            throw GatewayError(.conflict, "This credential is in the pool already.", source: .client)
        }
        return account
    }

    /// Changes what `changes` names; nothing when there is no such account. With another credential the account is free
    /// of what was held against the old one.
    package func update(_ id: String, _ changes: Account.Changes) async throws(GatewayError) -> Account? {
        if changes.credential != nil, mirror.environment[id] != nil {
            throw .invalid("credential", "This account's credential comes from the environment.")
        }
        return try await write(id, changes, isNew: false)
    }

    /// Forgets a stored account for good; false when there is none.
    package func remove(_ id: String) async throws(GatewayError) -> Bool {
        let reply = try await evaluate(
            StateScripts.removeAccount,
            keys.keys(keys.account(id), keys.cooldowns(id), keys.leases(id), keys.accounts),
            keys.arguments(.text(id))
        )
        if reply.int == -1 {
            throw GatewayError(.conflict, "The account comes from the environment: disable it.", source: .client)
        }
        return reply.int == 1
    }

    /// Enables or disables an account; false when there is none.
    package func setEnabled(_ id: String, _ isEnabled: Bool) async throws(GatewayError) -> Bool {
        try await evaluate(
            StateScripts.enableAccount,
            keys.keys(keys.account(id)),
            keys.arguments(.text(id), isEnabled ? "1" : "0", "operator")
        ).int == 1
    }

    /// Ends the rest of a model on an account, or without a model that of the account; false when there is none.
    package func clearCooldown(_ id: String, model: String? = nil) async throws(GatewayError) -> Bool {
        let scope = model.map { Cooldown.Scope.model($0) } ?? .account
        return try await evaluate(
            StateScripts.clearCooldown,
            keys.keys(keys.account(id), keys.cooldowns(id)),
            keys.arguments(.text(id), .text(scope.field), .text(model ?? ""))
        ).int == 1
    }

    /// One page of all accounts, those of other workers' environments among them, oldest first.
    package func page(from start: Int, count: Int) async throws(GatewayError) -> [Account] {
        guard count > 0, start >= 0 else { return [] }
        guard redis != nil else {
            return mirror.environment.keys.sorted().dropFirst(start).prefix(count).compactMap { id in
                mirror.entry(id).map { opened($0.state) }
            }
        }
        let reply = try await evaluate(
            StateScripts.readAccounts,
            keys.keys(keys.accounts),
            keys.arguments("rank", .integer(start), .integer(start + count - 1))
        )
        return states(reply).map { opened($0) }
    }

    package func account(_ id: String) async throws(GatewayError) -> Account? {
        guard redis != nil else { return mirror.entry(id).map { opened($0.state) } }
        let reply = try await evaluate(
            StateScripts.readAccounts,
            keys.keys(keys.accounts),
            keys.arguments("one", .text(id))
        )
        return states(reply).first.map { opened($0) }
    }

    /// Seals every stored credential under the current secret that is sealed under a previous one; returns how many. Those
    /// that cannot be read stay as they are.
    package func reseal() async throws(GatewayError) -> Int {
        guard let vault else { throw Self.noVault }
        var resealed = 0
        var start = 0
        while true {
            let reply = try await evaluate(
                StateScripts.readAccounts,
                keys.keys(keys.accounts),
                keys.arguments("after", .integer(start), .integer(options.pageSize))
            )
            for state in states(reply) where !state.sealedCredential.isEmpty {
                let context = AccountMirror.context(name, state.id)
                guard let (plain, isCurrent) = try? vault.open(state.sealedCredential, context: context), !isCurrent,
                    let sealed = try? vault.seal(plain, context: context)
                else { continue }
                resealed +=
                    try await evaluate(
                        StateScripts.resealAccount,
                        keys.keys(keys.account(state.id)),
                        keys.arguments(.text(state.id), .text(state.sealedCredential), .text(sealed))
                    ).int ?? 0
            }
            guard reply.elements.count > 5, let last = reply.elements[reply.elements.count - 2].int else {
                return resealed
            }
            start = last
        }
    }

    private func write(_ id: String, _ changes: Account.Changes, isNew: Bool) async throws(GatewayError) -> Account? {
        let (set, removed) = try fields(id, changes)
        let reply = try await evaluate(
            StateScripts.writeAccount,
            keys.keys(keys.account(id), keys.cooldowns(id), keys.accounts, keys.departed),
            keys.arguments(
                .text(id),
                isNew ? "add" : "change",
                changes.credential == nil ? "0" : "1",
                .text(Self.randomEpoch()),
                .integer(set.count / 2)
            ) + set + removed
        )
        guard let text = reply.bytes, let value = try? JSONDocument(parsing: text).root else { return nil }
        return AccountState(value, now: now, probeTime: leaseMilliseconds).map { opened($0) }
    }

    private func fields(
        _ id: String,
        _ changes: Account.Changes
    ) throws(GatewayError) -> (set: [RedisArgument], removed: [RedisArgument]) {
        var set: [RedisArgument] = []
        var removed: [RedisArgument] = []
        if let credential = changes.credential {
            guard !credential.isEmpty else { throw .invalid("credential", "An account needs a credential.") }
            set += ["credential", .text(try seal(credential, id)), "masked", .text(Account.mask(credential))]
        }
        if let note = changes.note { set += ["note", .text(note)] }
        if let tags = changes.tags {
            guard !tags.contains(where: { $0.isEmpty || $0.contains(",") }) else {
                throw .invalid("tags", "Tags are not empty and hold no commas.")
            }
            set += ["tags", .text(tags.joined(separator: ","))]
        }
        if let weight = changes.weight {
            guard (1...1000).contains(weight) else { throw .invalid("weight", "A weight is from 1 to 1000.") }
            set += ["weight", .integer(weight)]
        }
        switch changes.concurrency {
        case .none: break
        case .some(.none): removed.append("concurrency")
        case .some(.some(let limit)):
            guard limit > 0 else { throw .invalid("concurrency", "A limit of concurrency is at least 1.") }
            set += ["concurrency", .integer(limit)]
        }
        return (set, removed)
    }

    private func seal(_ credential: String, _ id: String) throws(GatewayError) -> String {
        guard let vault else { throw Self.noVault }
        do throws(VaultError) {
            return try vault.seal(credential, context: AccountMirror.context(name, id))
        } catch {
            throw GatewayError(.internalError, "The credential cannot be sealed.")
        }
    }

    private func states(_ reply: RedisReply) -> [AccountState] {
        let elements = reply.elements
        return stride(from: 6, to: elements.count, by: 2).compactMap { place in
            elements[place].bytes.flatMap { try? JSONDocument(parsing: $0).root }
                .flatMap { AccountState($0, now: now, probeTime: leaseMilliseconds) }
        }
    }

    /// The account with its credential where this worker can read it.
    private func opened(_ state: AccountState) -> Account {
        Account(state, pool: name, credential: mirror.credential(of: state) ?? "")
    }

    private func evaluate(
        _ script: RedisScript,
        _ keys: [RedisArgument],
        _ arguments: [RedisArgument]
    ) async throws(GatewayError) -> RedisReply {
        guard let redis else {
            throw GatewayError(.stateUnavailable, "There is no Redis to keep accounts in.")
        }
        do throws(RedisError) {
            return try await redis.evaluate(script, keys: keys, arguments: arguments, timeout: .seconds(2))
        } catch {
            throw .stateUnavailable(error)
        }
    }

    private static var noVault: GatewayError {
        GatewayError(.invalidRequest, "Accounts cannot be stored without a secret to seal them with.")
    }
}
