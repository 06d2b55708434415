import EventLoop

/// What the process was asked to do.
enum Invocation {
    case serve(ListenAddress)
    /// Ask the worker that listens at an address whether it is ready.
    case health(ListenAddress)
    case help

    static let usage = """
        usage: Worker --listen ADDRESS     serve on 127.0.0.1:9001, [::1]:9001 or unix:/path.sock
               Worker --health [ADDRESS]   ask a running worker whether it is ready; exits with 0 if so
        Everything else comes from the environment; see .env.example.
        """

    /// `LISTEN` in the environment stands in for `--listen`.
    init(_ arguments: [String], _ environment: Environment) throws(UsageError) {
        var rest = arguments.dropFirst()
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
}
