import Admin
import Core
import EventLoop
import Glibc
import State

/// `Worker keys …`: makes, shows, changes and revokes API keys. The text of a key is printed once, when it is made. A key
/// is named by its digest, or by as much of its beginning as is unique.
struct KeysCommand: StateCommand {
    enum Action: Sendable {
        case add(name: String, KeyOptions)
        case list
        case show(String)
        case update(String, KeyOptions)
        case enable(String, Bool)
        case remove(String)
    }

    private let action: Action
    private let writesJSON: Bool

    init(_ words: ArraySlice<String>) throws(UsageError) {
        var arguments = try Arguments(words, options: KeyOptions.names, flags: ["--json", "--no-budgets"])
        writesJSON = arguments.has("--json")
        let options = try KeyOptions(arguments)
        let verb = try arguments.required("the verb behind 'keys'")
        switch verb {
        case "list": action = .list
        case "add": action = .add(name: try arguments.required("the key's name"), options)
        case "show": action = .show(try arguments.required("the key's digest"))
        case "update": action = .update(try arguments.required("the key's digest"), options)
        case "disable": action = .enable(try arguments.required("the key's digest"), false)
        case "enable": action = .enable(try arguments.required("the key's digest"), true)
        case "remove": action = .remove(try arguments.required("the key's digest"))
        default: throw UsageError(message: "unknown command 'keys \(verb)'\n\(Invocation.usage)")
        }
        try arguments.end()
        switch action {
        case .add, .update: break
        default: guard options.isEmpty else { throw UsageError(message: "'keys \(verb)' takes no such options") }
        }
    }

    @LoopActor func run(_ state: CommandState) async throws -> Missing? {
        switch action {
        case .add(let name, let options): try await add(name, options, state)
        case .list: try await list(state)
        case .show(let digest):
            guard let key = try await find(digest, state) else { return Missing(what: "key") }
            try await show(key, state)
        case .update(let digest, let options):
            guard let key = try await find(digest, state),
                let changed = try await state.keyRing.update(key.digest, try options.changes(now: time(nil)))
            else { return Missing(what: "key") }
            try await show(changed, state)
        case .enable(let digest, let isEnabled):
            guard let key = try await find(digest, state), try await state.keyRing.setEnabled(isEnabled, key.digest)
            else { return Missing(what: "key") }
        case .remove(let digest):
            guard let key = try await find(digest, state), try await state.keyRing.remove(key.digest) else {
                return Missing(what: "key")
            }
            try await state.limits.forget(key.digest)
        }
        return nil
    }

    @LoopActor private func add(_ name: String, _ options: KeyOptions, _ state: CommandState) async throws {
        let key = try await state.keyRing.create(
            name: name,
            owner: options.owner ?? name,
            expires: options.days.flatMap { $0 }.map { time(nil) + $0 * 86_400 },
            models: options.models ?? [],
            limits: options.limits.asLimits
        )
        if writesJSON {
            CommandOutput.printJSON { KeyJSON.write(key.record, text: key.text, now: time(nil), to: &$0) }
        } else {
            StandardStreams.print(key.text)
        }
    }

    @LoopActor private func find(_ digest: String, _ state: CommandState) async throws -> KeyRecord? {
        let found = try await state.keyRing.find(digest)
        guard found.count <= 1 else {
            throw GatewayError(.conflict, "several keys have digests that begin with \(digest)")
        }
        return found.first
    }

    @LoopActor private func list(_ state: CommandState) async throws {
        let pageSize = 500
        var keys: [KeyRecord] = []
        while true {
            let page = try await state.keyRing.page(from: keys.count, count: pageSize)
            keys += page
            guard page.count == pageSize else { break }
        }
        if writesJSON {
            CommandOutput.printJSON(keys) { KeyJSON.write($0, now: time(nil), to: &$1) }
        } else {
            CommandOutput.print(
                keys.map { key in
                    [key.digest, key.standing, key.name, key.owner, key.shownModels, key.limits.shown]
                }
            )
        }
    }

    @LoopActor private func show(_ key: KeyRecord, _ state: CommandState) async throws {
        if writesJSON {
            CommandOutput.printJSON { KeyJSON.write(key, now: time(nil), to: &$0) }
            return
        }
        let usage = try await state.limits.usage(key.digest, key.limits)
        var rows = [
            ["digest", key.digest], ["name", key.name], ["owner", key.owner], ["state", key.standing],
            ["models", key.shownModels], ["created", String(key.created)],
            ["expires", key.expires.map { String($0) } ?? "never"],
        ]
        for (name, amount) in [
            ("requests a minute", usage.requests), ("tokens a minute", usage.tokens), ("at once", usage.open),
        ] {
            rows.append([name, "\(amount.used) of \(amount.limit.map { String($0) } ?? "any number")"])
        }
        for use in usage.budgets {
            let spent = use.budget.unit.shown(use.spent + use.reserved)
            rows.append(["budget", "\(spent) of \(use.budget.shown)"])
        }
        CommandOutput.print(rows)
    }
}

extension KeyRecord {
    fileprivate var standing: String { isUsable(at: time(nil)) ? "usable" : isEnabled ? "expired" : "disabled" }
    fileprivate var shownModels: String { models.isEmpty ? "all models" : models.joined(separator: ",") }
}
