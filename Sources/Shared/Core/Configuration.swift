/// Everything the operator can choose, as values. Only the executable reads the environment; the rest is handed this.
package struct Configuration: Sendable {
    package var masterKey: String
    package var logLevel = LogLevel.info
    package var logsAccess = false
    package var maxBodyBytes = 64 << 20
    package var retryTimes = 3
    package var timeouts = Timeouts()
    package var adminUsername = "admin"
    /// Without one there is no administration.
    package var adminPassword: String?
    /// What credentials are sealed with, and what they were sealed with before.
    package var secret: String?
    package var previousSecrets: [String] = []
    package var redisURL: String?
    package var redisTimeout = Duration.milliseconds(50)
    /// How long what a killed worker held (accounts, places, reservations) stays taken.
    package var leaseTime = Duration.seconds(60)
    /// Whether accounts rest after failures.
    package var coolsDown = true
    /// The operator's own prices, in place of those the program knows.
    package var prices: [UInt8]?
    package var proxyURL: String?
    /// How clients reach this service, for the addresses in its answers; nothing where the request's own host will do.
    package var publicURL: String?
    /// Accounts of web applications get new access in time, by one worker of the cluster; and all of them once in so long.
    package var refreshesAccounts = false
    package var refreshInterval = Duration.seconds(4 * 86_400)
    /// Models that have no tools are told of them in words.
    package var emulatesTools = true
    /// How long a conversation that lives at an upstream is kept after its last turn, and how many an account may have.
    package var conversationLifetime = Duration.seconds(72_000)
    package var conversationsPerAccount = 100
    package var caFile: String?
    package var allowsHTTP2 = true
    /// The JSON text of `MODEL_ROUTES`.
    package var modelRoutes: String?
    /// The JSON texts of `ENGINES` and `ENGINE_KEYS`.
    package var engines: String?
    package var engineKeys: String?
    /// Requests that ask an upstream for what it cannot do lose that instead of being refused.
    package var dropsUnsupported = false
    /// Addresses that clients name may lie in private networks.
    package var fetchesPrivate = false
    package var mirror = Mirror()
    /// What the operator says about upstreams, by variable; each provider knows its own.
    package var upstreams: [String: String] = [:]

    package init(masterKey: String) {
        self.masterKey = masterKey
    }

    package struct Timeouts: Sendable {
        /// When the head of a stream goes out even though nothing worth sending has come yet.
        package var commitAfter = Duration.seconds(2)
        package var connect = Duration.seconds(5)
        package var firstToken = Duration.seconds(60)
        package var streamIdle = Duration.seconds(120)
        package var keepAlive = Duration.seconds(15)
        package var clientStall = Duration.seconds(30)
        package var request = Duration.seconds(600)
        package var stream = Duration.seconds(3600)
        package var drain = Duration.seconds(120)

        package init() {}
    }

    /// How the ChatGPT site is mirrored, and who else than the holders of API keys may use its accounts.
    package struct Mirror: Sendable {
        /// What may be a seed, a word that stands for one of the operator's accounts.
        package enum Seeds: String, Sendable {
            /// An API key, so that nobody is let in whom the operator does not know.
            case keys
            /// Anything.
            case open
        }

        /// What of the site the holders of seeds reach.
        package enum Reach: String, Sendable {
            /// What is known to show nothing of others who share the account.
            case known
            /// All that is not known to show it.
            case all
        }

        package var isEnabled = false
        package var seeds = Seeds.keys
        /// A seed is bound when it is first seen; otherwise only by the operator.
        package var bindsUnknownSeeds = true
        package var reach = Reach.known
        /// Turns leave no trace in the account, whatever the page asks for.
        package var forcesNoHistory = false
        /// Is sent with every answer.
        package var sign: String?
        /// Words of the operator's that stand for the pool of accounts at the API.
        package var poolCodes: [String] = []
        /// Callers of the API may bring tokens of their own instead of a key.
        package var takesOwnTokens = false

        package init() {}
    }
}
