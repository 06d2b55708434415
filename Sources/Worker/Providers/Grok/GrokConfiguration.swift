internal import Core
internal import HTTPCodec
internal import JSON

/// The generation of the application's private interface, of which there have been several.
enum GrokWire: String, Sendable {
    /// A model is a name and a mode.
    case modelMode = "rest-modelmode"
    /// A model is one id.
    case modeID = "rest-modeid"
}

/// What the operator has said about the application: all of it moves, and none of it should need a release.
struct GrokConfiguration: Sendable {
    static let variables = [
        "GROK_WIRE", "GROK_BASE_URL", "GROK_ASSETS_URL", "GROK_EXTRA_HEADERS", "GROK_EXTRA_COOKIES", "GROK_USER_AGENT",
        "GROK_MODELS", "GROK_TEMPORARY", "GROK_DISABLE_MEMORY", "GROK_CONCURRENCY", "GROK_LABELS",
        ThinkingStyle.variable,
        "SHOW_SEARCH",
    ]

    static let defaultAssets = "https://assets.grok.com"

    let wire: GrokWire
    let baseURL: String
    let assetsURL: String
    /// Sent with every call to the application, in place of ours of the same name.
    let headers: [HTTPHeader]
    let cookies: [GrokCredential.Cookie]
    let userAgent: String
    let models: GrokModels
    /// Conversations are not listed in the account's history.
    let isTemporary: Bool
    let disablesMemory: Bool
    let thinking: ThinkingStyle
    let showsSearch: Bool
    let labels: GrokLabels

    init(_ settings: ProviderSettings) throws(ProviderProblem) {
        wire = try Self.wire(settings.text("GROK_WIRE"))
        baseURL = try settings.url("GROK_BASE_URL") ?? "https://grok.com"
        assetsURL = try settings.url("GROK_ASSETS_URL") ?? Self.defaultAssets
        headers = try settings.headers("GROK_EXTRA_HEADERS")
        cookies = try Self.cookies(settings.text("GROK_EXTRA_COOKIES"))
        userAgent = settings.text("GROK_USER_AGENT") ?? "millrace"
        guard Self.isHeader(userAgent) else { throw ProviderProblem("GROK_USER_AGENT must be printable ASCII") }
        models = try GrokModels(settings.text("GROK_MODELS"))
        isTemporary = try settings.flag("GROK_TEMPORARY") ?? true
        disablesMemory = try settings.flag("GROK_DISABLE_MEMORY") ?? true
        thinking = try ThinkingStyle.usual(settings)
        showsSearch = try settings.flag("SHOW_SEARCH") ?? true
        labels = try Self.labels(settings.text("GROK_LABELS"))
        // The pool reads it; what is wrong with it is said here.
        _ = try settings.number("GROK_CONCURRENCY", in: 1...1000)
    }

    private static func wire(_ text: String?) throws(ProviderProblem) -> GrokWire {
        guard let text else { return .modelMode }
        if text == "mgw" {
            throw ProviderProblem("GROK_WIRE=mgw speaks WebSocket, which is not supported: use one of the rest- wires")
        }
        guard let wire = GrokWire(rawValue: text) else {
            throw ProviderProblem("GROK_WIRE must be rest-modelmode or rest-modeid")
        }
        return wire
    }

    private static func cookies(_ text: String?) throws(ProviderProblem) -> [GrokCredential.Cookie] {
        guard let text else { return [] }
        let cookies = GrokCredential.cookies(in: text)
        let areSendable = cookies.allSatisfy {
            GrokCredential.isSendable($0.name) && GrokCredential.isSendable($0.value)
        }
        guard !cookies.isEmpty, areSendable else { throw ProviderProblem("GROK_EXTRA_COOKIES must be name=value; …") }
        return cookies
    }

    private static func labels(_ text: String?) throws(ProviderProblem) -> GrokLabels {
        switch text {
        case nil, "en": .english
        case "zh": .chinese
        default: throw ProviderProblem("GROK_LABELS must be en or zh")
        }
    }

    private static func isHeader(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } }
}
