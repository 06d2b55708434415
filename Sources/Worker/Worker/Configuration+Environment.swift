import Core
import Providers

extension Configuration {
    /// Reads every variable the worker honours; `.env.example` documents them. `masterKey` stands in where there is none and
    /// nobody is let in by it.
    init(_ environment: Environment, masterKey: String? = nil) throws(UsageError) {
        guard let masterKey = environment.text("API_MASTER_KEY") ?? masterKey else {
            throw UsageError(message: "API_MASTER_KEY must be set; there is no default key")
        }
        self.init(masterKey: masterKey)
        if let name = environment.text("LOG_LEVEL") {
            guard let level = LogLevel(name: name) else {
                throw UsageError(message: "LOG_LEVEL must be debug, info, warning or error")
            }
            logLevel = level
        }
        logsAccess = try environment.flag("ACCESS_LOG") ?? logsAccess
        maxBodyBytes = try environment.number("MAX_BODY_BYTES", in: 1024...(1 << 30)) ?? maxBodyBytes
        retryTimes = try environment.number("RETRY_TIMES", in: 0...100) ?? retryTimes
        adminUsername = environment.text("ADMIN_USERNAME") ?? adminUsername
        adminPassword = environment.text("ADMIN_PASSWORD")
        guard adminPassword != masterKey else {
            throw UsageError(
                message: "ADMIN_PASSWORD must not be API_MASTER_KEY: one must not open what is the other's"
            )
        }
        secret = environment.text("MILLRACE_SECRET")
        previousSecrets = environment.list("MILLRACE_SECRET_PREVIOUS")
        redisURL = environment.text("REDIS_URL")
        leaseTime = try environment.seconds("LEASE_TTL") ?? leaseTime
        coolsDown = try environment.flag("COOLDOWNS") ?? coolsDown
        if let path = environment.text("PRICES_FILE") {
            guard let text = SmallFile.read(path) else {
                throw UsageError(message: "PRICES_FILE cannot be read: \(path)")
            }
            prices = text
        }
        if let milliseconds = try environment.number("REDIS_TIMEOUT_MS", in: 1...60_000) {
            redisTimeout = .milliseconds(milliseconds)
        }
        proxyURL = environment.text("PROXY_URL")
        emulatesTools = try environment.flag("TOOL_EMULATION") ?? emulatesTools
        refreshesAccounts = try environment.flag("SCHEDULED_REFRESH") ?? refreshesAccounts
        if let hours = try environment.number("SCHEDULED_REFRESH_HOURS", in: 1...2160) {
            refreshInterval = .seconds(hours * 3600)
        }
        publicURL = environment.text("PUBLIC_URL").map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
        if let seconds = try environment.number("CONVERSATION_TTL", in: 60...2_592_000) {
            conversationLifetime = .seconds(seconds)
        }
        if let most = try environment.number("MAX_CONVERSATIONS_PER_ACCOUNT", in: 1...10_000) {
            conversationsPerAccount = most
        }
        caFile = environment.text("UPSTREAM_CA_FILE")
        allowsHTTP2 = try environment.flag("UPSTREAM_HTTP2") ?? allowsHTTP2
        modelRoutes = environment.text("MODEL_ROUTES")
        dropsUnsupported = try environment.flag("DROP_UNSUPPORTED_PARAMS") ?? dropsUnsupported
        engines = environment.text("ENGINES")
        engineKeys = environment.text("ENGINE_KEYS")
        fetchesPrivate = try environment.flag("FETCH_PRIVATE_ADDRESSES") ?? fetchesPrivate
        for name in ProviderCatalog.variables { upstreams[name] = environment.text(name) }
        timeouts = try Timeouts(environment)
        mirror = try Mirror(environment)
    }
}

extension Configuration.Mirror {
    fileprivate init(_ environment: Environment) throws(UsageError) {
        self.init()
        isEnabled = try environment.flag("ENABLE_GATEWAY") ?? isEnabled
        bindsUnknownSeeds = try environment.flag("AUTO_SEED") ?? bindsUnknownSeeds
        if let name = environment.text("MIRROR_SEEDS") {
            guard let chosen = Seeds(rawValue: name) else {
                throw UsageError(message: "MIRROR_SEEDS must be keys or open")
            }
            seeds = chosen
        }
        if let name = environment.text("MIRROR_SEED_PATHS") {
            guard let chosen = Reach(rawValue: name) else {
                throw UsageError(message: "MIRROR_SEED_PATHS must be known or all")
            }
            reach = chosen
        }
        forcesNoHistory = try environment.flag("FORCE_NO_HISTORY") ?? forcesNoHistory
        sign = environment.text("X_SIGN")
        poolCodes = environment.list("AUTHORIZATION")
        takesOwnTokens = try environment.flag("CHATGPT_OWN_TOKENS") ?? takesOwnTokens
    }
}

extension Configuration.Timeouts {
    fileprivate init(_ environment: Environment) throws(UsageError) {
        self.init()
        commitAfter = try environment.seconds("COMMIT_AFTER") ?? commitAfter
        connect = try environment.seconds("CONNECT_TIMEOUT") ?? connect
        firstToken = try environment.seconds("FIRST_TOKEN_TIMEOUT") ?? firstToken
        streamIdle = try environment.seconds("STREAM_IDLE_TIMEOUT") ?? streamIdle
        keepAlive = try environment.seconds("KEEPALIVE_INTERVAL") ?? keepAlive
        clientStall = try environment.seconds("CLIENT_STALL_TIMEOUT") ?? clientStall
        request = try environment.seconds("REQUEST_TIMEOUT") ?? request
        stream = try environment.seconds("STREAM_TIMEOUT") ?? stream
        drain = try environment.seconds("DRAIN_TIMEOUT") ?? drain
    }
}
