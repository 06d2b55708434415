import Admin
import Core
import EventLoop
import State

/// `Worker settings …`: shows and changes what can be changed while the cluster runs.
struct SettingsCommand: StateCommand {
    enum Action {
        case list
        case get(String)
        case set(String, String)
        case unset(String)
    }

    private let action: Action
    private let writesJSON: Bool

    init(_ words: ArraySlice<String>) throws(UsageError) {
        var arguments = try Arguments(words, flags: ["--json"])
        writesJSON = arguments.has("--json")
        let verb = try arguments.required("the verb behind 'settings'")
        switch verb {
        case "list": action = .list
        case "get": action = .get(try arguments.required("the setting's name"))
        case "set":
            action = .set(try arguments.required("the setting's name"), try arguments.required("the value"))
        case "unset": action = .unset(try arguments.required("the setting's name"))
        default: throw UsageError(message: "unknown command 'settings \(verb)'\n\(Invocation.usage)")
        }
        try arguments.end()
    }

    @LoopActor func run(_ state: CommandState) async throws -> Missing? {
        let settings = state.settings
        try await settings.load()
        switch action {
        case .list:
            let rows = settings.list()
            if writesJSON {
                CommandOutput.printJSON(rows) { SettingJSON.write($0, to: &$1) }
            } else {
                CommandOutput.print(rows.map { [$0.name, $0.value, $0.source.rawValue, $0.description] })
            }
        case .get(let name):
            guard let row = settings.list().first(where: { $0.name == name }) else { return Missing(what: "setting") }
            if writesJSON {
                CommandOutput.printJSON { SettingJSON.write(row, to: &$0) }
            } else {
                StandardStreams.print(row.value)
            }
        case .set(let name, let value): try await settings.set(name, value, by: state.user)
        case .unset(let name): try await settings.remove(name, by: state.user)
        }
        return nil
    }
}
