import EventLoop

/// What the process was asked to do.
enum Invocation {
    case serve(ListenAddress)
    /// Ask the worker that listens at an address whether it is ready.
    case health(ListenAddress)
    case keys(KeysCommand.Action)
    case help

    static let usage = """
        usage: Worker --listen ADDRESS     serve on 127.0.0.1:9001, [::1]:9001 or unix:/path.sock
               Worker --health [ADDRESS]   ask a running worker whether it is ready; exits with 0 if so
               Worker keys add NAME [--owner OWNER] [--models A,B] [--days N]
               Worker keys list | disable DIGEST | enable DIGEST | remove DIGEST
        Everything else comes from the environment; see .env.example.
        """

    /// `LISTEN` in the environment stands in for `--listen`.
    init(_ arguments: [String], _ environment: Environment) throws(UsageError) {
        var rest = arguments.dropFirst()
        if rest.first == "keys" {
            self = .keys(try Self.keys(rest.dropFirst()))
            return
        }
        var address = environment.text("LISTEN")
        var asksHealth = false
        while let argument = rest.popFirst() {
            switch argument {
            case "--listen":
                guard let value = rest.popFirst() else { throw UsageError(message: "--listen needs an address") }
                address = value
            case "--health":
                asksHealth = true
                if let value = rest.popFirst() { address = value }
            case "--help", "-h":
                self = .help
                return
            default:
                throw UsageError(message: "unknown argument '\(argument)'\n\(Self.usage)")
            }
        }
        let text = address ?? (asksHealth ? "127.0.0.1:9000" : nil)
        guard let text else { throw UsageError(message: "--listen is missing\n\(Self.usage)") }
        guard let parsed = ListenAddress(text) else {
            throw UsageError(message: "'\(text)' is no address; use host:port or unix:/path")
        }
        self = asksHealth ? .health(parsed) : .serve(parsed)
    }

    private static func keys(_ arguments: ArraySlice<String>) throws(UsageError) -> KeysCommand.Action {
        var rest = arguments
        let verb = rest.popFirst() ?? ""
        if verb == "list" { return .list }
        guard let subject = rest.popFirst() else { throw UsageError(message: usage) }
        switch verb {
        case "add": return try add(subject, rest)
        case "disable": return .enable(subject, false)
        case "enable": return .enable(subject, true)
        case "remove": return .remove(subject)
        default: throw UsageError(message: "unknown command 'keys \(verb)'\n\(usage)")
        }
    }

    private static func add(_ name: String, _ arguments: ArraySlice<String>) throws(UsageError) -> KeysCommand.Action {
        var rest = arguments
        var owner = name
        var models: [String] = []
        var days: Int?
        while let option = rest.popFirst() {
            guard let value = rest.popFirst() else { throw UsageError(message: "\(option) needs a value") }
            switch option {
            case "--owner": owner = value
            case "--models": models = value.split(separator: ",").map(String.init)
            case "--days":
                guard let number = Int(value), number > 0 else { throw UsageError(message: "--days needs a number") }
                days = number
            default: throw UsageError(message: "unknown option '\(option)'\n\(usage)")
            }
        }
        return .add(name: name, owner: owner, models: models, days: days)
    }
}
