internal import Core
package import HTTPCodec

/// The operator's choices for this web application.
package struct ChatGPTSettings: Sendable {
    /// How turns are begun: the site has two ways.
    package enum Generation: String, Sendable {
        case legacy, present = "f"
    }

    /// At least one; each turn takes one at random.
    package var bases = ["https://chatgpt.com"]
    /// Nothing: whichever the site has.
    package var generation: Generation?
    /// Whether turns leave no trace in the account, and cannot be gone on with there.
    package var isTemporary = true
    package var deletesAfterwards = false
    /// Whatever stands before the upstream shows the requirements itself.
    package var skipsRequirements = false
    package var puzzleHash: PuzzleHash?
    package var puzzleFacts: PuzzleFacts
    /// Puzzles as hard as this, or harder, are not tried: smaller is harder.
    package var hardestPuzzle = "000032"
    package var mostContinuations = 3
    package var showsTools = true
    package var systemAsUser = false
    package var uploadsByURL = false
    package var thinking = ThinkingStyle.field
    package var supportsBuffering = false
    package var userAgent = ChatGPTSettings.usualUserAgent
    package var language = "en-US"
    package var acceptLanguage = "en-US,en;q=0.9"
    package var timeZone = "UTC"
    package var timeZoneOffset = 0
    /// Shown to a private gateway in front of the site.
    package var authKey: String?
    package var cookies: String?
    package var extraHeaders: [HTTPHeader] = []

    package var authURL = "https://auth.openai.com/oauth/token"
    package var authClient = "pdlLIX2Y72MIl2rhLhTE9VV9bN905kBh"
    package var authRedirect: String? = "com.openai.chat://auth.openai.com/ios/com.openai.chat/callback"
    package var authScope: String?

    private static let usualUserAgent = "Millrace/1.0"

    static let variables = [
        "CHATGPT_BASE_URL", "CHATGPT_PROTOCOL", "HISTORY_DISABLED", "DELETE_AFTER", "CONVERSATION_ONLY",
        "CHATGPT_POW_ALGO", "CHATGPT_POW_CONFIG", "POW_DIFFICULTY", "MAX_CONTINUE_COUNT", "TOOL_TRACE",
        "SYSTEM_AS_USER",
        "UPLOAD_BY_URL", "CHATGPT_BUFFERING", "CHATGPT_USER_AGENT", "OAI_LANGUAGE", "ACCEPT_LANGUAGE",
        "CLIENT_TIMEZONE",
        "CLIENT_TIMEZONE_OFFSET_MIN", "AUTH_KEY", "CHATGPT_COOKIES", "CHATGPT_EXTRA_HEADERS", "CHATGPT_AUTH_URL",
        "OPENAI_AUTH_TOKEN_URL", ThinkingStyle.variable,
        "OPENAI_AUTH_CLIENT_ID", "OPENAI_AUTH_REDIRECT_URI", "OPENAI_AUTH_SCOPE",
    ]

    package init() {
        puzzleFacts = PuzzleFacts(userAgent: userAgent)
    }

    package init(_ settings: ProviderSettings) throws(ProviderProblem) {
        self.init()
        try readSite(settings)
        try readTurns(settings)
        try readPuzzle(settings)
        thinking = try ThinkingStyle.usual(settings)
        // The first is what it is called elsewhere.
        if let url = try settings.url("OPENAI_AUTH_TOKEN_URL") { authURL = url }
        if let url = try settings.url("CHATGPT_AUTH_URL") { authURL = url }
        if let client = settings.text("OPENAI_AUTH_CLIENT_ID") { authClient = client }
        if let redirect = settings.text("OPENAI_AUTH_REDIRECT_URI") { authRedirect = redirect }
        authScope = settings.text("OPENAI_AUTH_SCOPE")
    }

    private mutating func readSite(_ settings: ProviderSettings) throws(ProviderProblem) {
        let urls = settings.list("CHATGPT_BASE_URL")
        if !urls.isEmpty {
            bases = []
            for url in urls {
                guard url.hasPrefix("http://") || url.hasPrefix("https://"), !url.contains(" ") else {
                    throw ProviderProblem("CHATGPT_BASE_URL must be http:// or https:// addresses")
                }
                bases.append(url.hasSuffix("/") ? String(url.dropLast()) : url)
            }
        }
        switch settings.text("CHATGPT_PROTOCOL") {
        case nil, "auto": generation = nil
        case "legacy": generation = .legacy
        case "f": generation = .present
        default: throw ProviderProblem("CHATGPT_PROTOCOL must be legacy, f or auto")
        }
        if let agent = settings.text("CHATGPT_USER_AGENT") { userAgent = agent }
        if let said = settings.text("OAI_LANGUAGE") { language = said }
        if let accepted = settings.text("ACCEPT_LANGUAGE") { acceptLanguage = accepted }
        if let zone = settings.text("CLIENT_TIMEZONE") { timeZone = zone }
        timeZoneOffset = try settings.number("CLIENT_TIMEZONE_OFFSET_MIN", in: -1440...1440) ?? 0
        authKey = settings.text("AUTH_KEY")
        cookies = settings.text("CHATGPT_COOKIES")
        extraHeaders = try settings.headers("CHATGPT_EXTRA_HEADERS")
        for value in [userAgent, language, acceptLanguage, authKey, cookies] where value.map(Self.breaks) == true {
            throw ProviderProblem("a variable that becomes a header must be one line")
        }
    }

    private mutating func readTurns(_ settings: ProviderSettings) throws(ProviderProblem) {
        isTemporary = try settings.flag("HISTORY_DISABLED") ?? true
        deletesAfterwards = try settings.flag("DELETE_AFTER") ?? false
        skipsRequirements = try settings.flag("CONVERSATION_ONLY") ?? false
        systemAsUser = try settings.flag("SYSTEM_AS_USER") ?? false
        uploadsByURL = try settings.flag("UPLOAD_BY_URL") ?? false
        supportsBuffering = try settings.flag("CHATGPT_BUFFERING") ?? false
        mostContinuations = try settings.number("MAX_CONTINUE_COUNT", in: 0...20) ?? 3
        switch settings.text("TOOL_TRACE") {
        case nil, "inline": showsTools = true
        case "drop": showsTools = false
        default: throw ProviderProblem("TOOL_TRACE must be inline or drop")
        }
    }

    private mutating func readPuzzle(_ settings: ProviderSettings) throws(ProviderProblem) {
        switch settings.text("CHATGPT_POW_ALGO") {
        case nil, "auto": puzzleHash = nil
        case "sha3": puzzleHash = .sha3
        case "fnv1a": puzzleHash = .fnv1a
        default: throw ProviderProblem("CHATGPT_POW_ALGO must be sha3, fnv1a or auto")
        }
        if let difficulty = settings.text("POW_DIFFICULTY") {
            guard Puzzle.isDifficulty(difficulty) else {
                throw ProviderProblem("POW_DIFFICULTY must be hexadecimal digits in lower case")
            }
            hardestPuzzle = difficulty
        }
        puzzleFacts = PuzzleFacts(userAgent: userAgent)
        if let text = settings.text("CHATGPT_POW_CONFIG") {
            guard let facts = PuzzleFacts(text) else {
                throw ProviderProblem("CHATGPT_POW_CONFIG must be a JSON array of at least ten entries")
            }
            puzzleFacts = facts
        }
    }

    private static func breaks(_ value: String) -> Bool { value.utf8.contains { $0 < 32 && $0 != 9 } }
}
