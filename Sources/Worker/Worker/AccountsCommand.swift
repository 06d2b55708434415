import Admin
import Core
import EventLoop
import Glibc
import Providers
import State

/// `Worker accounts POOL …`: adds, shows, changes and removes accounts. Credentials go in and never come out again.
struct AccountsCommand: StateCommand {
    enum Action: Sendable {
        /// Nothing: one a line from standard input.
        case add(String?)
        case list
        case show(String)
        case update(String)
        case enable(String, Bool)
        case remove(String)
        case clear(String, model: String?)
        /// Nothing: all of them.
        case test(String?)
    }

    let pool: String
    private let action: Action
    private let options: AccountOptions
    let writesJSON: Bool

    init(_ words: ArraySlice<String>) throws(UsageError) {
        var arguments = try Arguments(words, options: AccountOptions.names, flags: ["--json"])
        writesJSON = arguments.has("--json")
        options = try AccountOptions(arguments)
        pool = try arguments.required("the pool's name")
        guard ProviderCatalog.pools.contains(pool) else {
            throw UsageError(
                message: "there is no pool '\(pool)'; there are \(ProviderCatalog.pools.joined(separator: ", "))"
            )
        }
        let verb = try arguments.required("the verb behind 'accounts \(pool)'")
        switch verb {
        case "list": action = .list
        case "add":
            let word = arguments.next()
            action = .add(word == "-" ? nil : word)
        case "show": action = .show(try arguments.required("the account's id"))
        case "update": action = .update(try arguments.required("the account's id"))
        case "enable": action = .enable(try arguments.required("the account's id"), true)
        case "disable": action = .enable(try arguments.required("the account's id"), false)
        case "remove": action = .remove(try arguments.required("the account's id"))
        case "test": action = .test(arguments.next())
        case "clear": action = .clear(try arguments.required("the account's id"), model: arguments.next())
        default: throw UsageError(message: "unknown command 'accounts \(pool) \(verb)'\n\(Invocation.usage)")
        }
        try arguments.end()
        switch action {
        case .add: break
        case .update:
            guard !options.isEmpty else { throw UsageError(message: "there is nothing to change\n\(Invocation.usage)") }
        default:
            guard options.isEmpty else { throw UsageError(message: "'accounts \(pool) \(verb)' takes no such options") }
        }
    }

    @LoopActor func run(_ state: CommandState) async throws -> Missing? {
        let pool = try state.pool(self.pool)
        defer { pool.close() }
        switch action {
        case .add(let credential): try await add(credential, to: pool)
        case .list: try await list(pool, state.examinations)
        case .show(let id):
            guard let account = try await pool.account(id) else { return Missing(what: "account") }
            show(account, try await state.examinations.examinations(of: [id], pool: pool.name)[id])
        case .update(let id):
            guard let account = try await pool.update(id, options.changes) else { return Missing(what: "account") }
            show(account)
        case .enable(let id, let isEnabled):
            guard try await pool.setEnabled(id, isEnabled) else { return Missing(what: "account") }
        case .remove(let id):
            guard try await pool.remove(id) else { return Missing(what: "account") }
            try await state.examinations.forget(id, pool: pool.name)
        case .test(let id): return try await test(id, state)
        case .clear(let id, let model):
            guard try await pool.clearCooldown(id, model: model) else { return Missing(what: "cool-down") }
        }
        return nil
    }

    /// Adds all it is given, and fails at the end when one could not be added.
    @LoopActor private func add(_ credential: String?, to pool: AccountPool) async throws {
        let given = try credential.map { AccountImport(one: $0) } ?? standardInput()
        guard !given.entries.isEmpty else { throw UsageError(message: "standard input holds no credential") }
        var results: [Result<Account, GatewayError>] = []
        for entry in given.entries { results.append(await add(entry, to: pool)) }
        if writesJSON {
            CommandOutput.printJSON(results.enumerated()) { AccountJSON.write($0.element, line: $0.offset, to: &$1) }
        }
        var failure: GatewayError?
        for (entry, result) in zip(given.entries, results) {
            switch result {
            case .success(let account): if !writesJSON { StandardStreams.print("\(account.id)  added") }
            case .failure(let error):
                failure = error
                if !writesJSON { StandardStreams.print("\(name(of: entry))  \(error.message)") }
            }
        }
        if results.count > 1, !writesJSON {
            let counts = AccountCounts(results, empty: given.empty)
            // The lines above are for programs as well.
            StandardStreams.complain(
                "\(counts.added) added, \(counts.duplicates) there already, \(counts.invalid) invalid, "
                    + "\(counts.empty) empty"
            )
        }
        if let failure {
            throw results.count == 1 ? failure : GatewayError(.conflict, "not all accounts were added")
        }
    }

    @LoopActor private func add(
        _ entry: AccountImport.Entry,
        to pool: AccountPool
    ) async -> Result<Account, GatewayError> {
        do throws(GatewayError) {
            let line: AccountLine
            switch entry {
            case .account(let one): line = one
            case .unreadable(let reason): throw .invalid("credential", reason)
            }
            guard let credential = form.reads(line.credential) else {
                throw .invalid("credential", "this is no credential of \(pool.name)")
            }
            return .success(
                try await pool.add(
                    credential: credential,
                    note: line.note.isEmpty ? options.note ?? "" : line.note,
                    tags: (options.tags ?? []) + line.tags,
                    weight: options.weight ?? 1,
                    concurrency: options.concurrency ?? nil
                )
            )
        } catch {
            return .failure(error)
        }
    }

    private var form: CredentialForm {
        ProviderCatalog.definitions.first { $0.name == pool }?.credentialForm ?? CredentialForm()
    }

    /// What an entry that was not added is called: the id that it has or would have.
    @LoopActor private func name(of entry: AccountImport.Entry) -> String {
        guard case .account(let line) = entry else { return String(repeating: "-", count: 16) }
        return AccountPool.id(of: form.reads(line.credential) ?? line.credential, pool: pool)
    }

    @LoopActor private func list(_ pool: AccountPool, _ examinations: ExaminationBook) async throws {
        var accounts: [Account] = []
        var tests: [String: Examination] = [:]
        while true {
            let page = try await pool.page(from: accounts.count, count: 500)
            accounts += page
            let found = try await examinations.examinations(of: page.map(\.id), pool: pool.name)
            tests.merge(found) { $1 }
            guard page.count == 500 else { break }
        }
        let now = time(nil)
        if writesJSON {
            CommandOutput.printJSON(accounts) { AccountJSON.write($0, tested: tests[$0.id], now: now, to: &$1) }
            return
        }
        CommandOutput.print(
            accounts.map { account in
                [
                    account.id, AccountStanding(account, now: now).rawValue, account.origin.rawValue,
                    account.maskedCredential, tests[account.id]?.shown ?? "-", account.note,
                    account.activeCooldowns(now: now).map(\.shown).joined(separator: " "),
                ]
            }
        )
    }

    @LoopActor private func show(_ account: Account, _ tested: Examination? = nil) {
        // There is one form for all there is to see.
        CommandOutput.printJSON { AccountJSON.write(account, tested: tested, now: time(nil), to: &$0) }
    }

    private func standardInput() throws(UsageError) -> AccountImport {
        guard let text = StandardStreams.readAll(most: 4 << 20) else {
            throw UsageError(message: "standard input cannot be read")
        }
        return AccountImport(text, in: form)
    }
}

/// The options of `Worker accounts POOL add` and `update`.
struct AccountOptions: Sendable {
    static let names: Set<String> = ["--note", "--tag", "--weight", "--concurrency"]

    let note: String?
    let tags: [String]?
    let weight: Int?
    let concurrency: Int??
    let isEmpty: Bool

    init(_ arguments: Arguments) throws(UsageError) {
        note = try arguments.text("--note")
        let tags = arguments.all("--tag")
        self.tags = tags.isEmpty ? nil : tags.flatMap { $0.split(separator: ",").map(String.init) }
        weight = try arguments.number("--weight", in: 1...1000)
        concurrency = try arguments.limit("--concurrency")
        isEmpty = Self.names.allSatisfy { arguments.all($0).isEmpty }
    }

    var changes: Account.Changes {
        Account.Changes(note: note, tags: tags, weight: weight, concurrency: concurrency)
    }
}

extension Cooldown {
    fileprivate var shown: String {
        switch scope {
        case .account: "\(reason.rawValue) until \(until / 1000)"
        case .model(let model): "\(model): \(reason.rawValue) until \(until / 1000)"
        }
    }
}
