import EventLoop

/// What the process was asked to do.
enum Invocation {
    case serve(ListenAddress)
    /// Ask the worker that listens at an address whether it is ready.
    case health(ListenAddress)
    case command(any StateCommand)
    case help

    static let usage = """
        usage: Worker --listen ADDRESS     serve on 127.0.0.1:9001, [::1]:9001 or unix:/path.sock
               Worker --health [ADDRESS]   ask a running worker whether it is ready; exits with 0 if so

        API keys; DIGEST may be the unique beginning of one:
               Worker keys add NAME [OPTIONS]       prints the key, this once
               Worker keys update DIGEST [OPTIONS]  changes what is named
               Worker keys list | show DIGEST | enable DIGEST | disable DIGEST | remove DIGEST
          --name NAME --owner OWNER --models A,B* (or all) --days N (or never)
          --rpm N --tpm N --concurrent N   requests and tokens a minute, requests at once (or none)
          --budget 10usd/month             repeatable; usd or tokens; /day, /month or nothing for the total; all
                                           budgets are replaced, --no-budgets removes them

        Accounts at upstreams; POOL is the provider's name. MILLRACE_SECRET must be that of the workers:
               Worker accounts POOL add [-]         reads credentials from standard input, one a line, each perhaps
                                                    with ----NOTE behind it, or JSON
               Worker accounts POOL add CREDENTIAL  the same for one; everybody on this machine can see it meanwhile
               Worker accounts POOL test [ID]       asks the upstream whether an account works, or all of them; wants
                                                    the environment of the workers
               Worker accounts POOL list | enable ID | disable ID | remove ID | clear ID [MODEL]
               Worker accounts POOL update ID [OPTIONS]
          --note NOTE --tag A,B --weight N --concurrency N (or none)

        Settings that workers follow at once:
               Worker settings list | get NAME | set NAME VALUE | unset NAME

        What was used and what it cost:
               Worker usage [--by key|model|provider|account] [--hours N] [--each hour|day|whole]

        --json makes any of these commands write JSON. Everything else comes from the environment; see .env.example.
        Commands need REDIS_URL. They exit with 0, 1 when refused or not found, 64 when wrongly called.
        """

    /// `LISTEN` in the environment stands in for `--listen`.
    init(_ arguments: [String], _ environment: Environment) throws(UsageError) {
        var rest = arguments.dropFirst()
        if let command = try Self.command(rest) {
            self = .command(command)
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

    private static func command(_ arguments: ArraySlice<String>) throws(UsageError) -> (any StateCommand)? {
        let rest = arguments.dropFirst()
        switch arguments.first {
        case "keys": return try KeysCommand(rest)
        case "accounts": return try AccountsCommand(rest)
        case "settings": return try SettingsCommand(rest)
        case "usage": return try UsageCommand(rest)
        default: return nil
        }
    }
}
