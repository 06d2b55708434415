internal import HTTPCodec
internal import JSON

/// What the operator can choose; the service may change any of it without notice.
struct FlowGPTOptions: Sendable {
    enum Context: String, Sendable {
        /// A conversation is opened with what was said before.
        case conversation
        /// What was said before goes along with the question.
        case inline
    }

    static let variables = [
        "FLOWGPT_BASE_URL", "FLOWGPT_SITE_URL", "FLOWGPT_CHAT_PATH", "FLOWGPT_CREATE_PATH", "FLOWGPT_DEVICE_ID",
        "FLOWGPT_SIGNATURE_MODE", "FLOWGPT_CONTEXT_MODE", "FLOWGPT_CONTEXT_LAST", "FLOWGPT_MODEL_MAP", "MODEL_MAP",
        "DEFAULT_MODEL_ID", "FLOWGPT_UNKNOWN_MODEL", "FLOWGPT_BASE_MODEL", "FLOWGPT_CLEAN_LIMIT",
        "FLOWGPT_CLEAN_MARKERS", "FLOWGPT_ACCEPT_LANGUAGE", "FLOWGPT_EXTRA_HEADERS", "FLOWGPT_NSFW",
        "FLOWGPT_DISCOVERY", "FLOWGPT_DISCOVERY_TTL", "FLOWGPT_DISCOVERY_PAGES",
    ]

    let base: String
    let site: String
    let chatPath: String
    let createPath: String
    let device: String?
    /// Nothing where it is to be found out.
    let signature: FlowGPTSignature?
    let context: Context
    /// Whether the last message is part of the context that a conversation is opened with.
    let includesLast: Bool
    let baseModel: String
    let cleaner: PreambleCleaner
    let language: String
    let extraHeaders: [HTTPHeader]
    let allowsAdult: Bool
    let discovers: Bool
    let discoveryLifetime: Int
    let discoveryPages: Int

    init(_ settings: ProviderSettings) throws(ProviderProblem) {
        base = try settings.url("FLOWGPT_BASE_URL") ?? "https://prod-backend-k8s.flowgpt.com"
        site = try settings.url("FLOWGPT_SITE_URL") ?? "https://flowgpt.com"
        chatPath = try Self.path("FLOWGPT_CHAT_PATH", settings) ?? "/v3/chat"
        createPath = try Self.path("FLOWGPT_CREATE_PATH", settings) ?? "/conversation/create"
        device = settings.text("FLOWGPT_DEVICE_ID")
        if let device, !FlowGPTName.isValid(device) {
            throw ProviderProblem("FLOWGPT_DEVICE_ID must be letters, digits, - and _")
        }
        let signature = settings.text("FLOWGPT_SIGNATURE_MODE") ?? FlowGPTSignature.authDash.rawValue
        self.signature = FlowGPTSignature(rawValue: signature)
        guard signature == "auto" || self.signature != nil else {
            let names = FlowGPTSignature.allCases.map(\.rawValue).joined(separator: ", ")
            throw ProviderProblem("FLOWGPT_SIGNATURE_MODE must be one of \(names), auto")
        }
        guard let context = Context(rawValue: settings.text("FLOWGPT_CONTEXT_MODE") ?? "conversation") else {
            throw ProviderProblem("FLOWGPT_CONTEXT_MODE must be conversation or inline")
        }
        self.context = context
        switch settings.text("FLOWGPT_CONTEXT_LAST") {
        case nil, "include"?: includesLast = true
        case "exclude"?: includesLast = false
        default: throw ProviderProblem("FLOWGPT_CONTEXT_LAST must be include or exclude")
        }
        baseModel = settings.text("FLOWGPT_BASE_MODEL") ?? "FlowGPT-Ares"
        let markers = settings.list("FLOWGPT_CLEAN_MARKERS")
        cleaner = PreambleCleaner(
            markers: markers.isEmpty ? ["Response:**"] : markers,
            limit: try settings.number("FLOWGPT_CLEAN_LIMIT", in: 0...100_000) ?? 150
        )
        language = settings.text("FLOWGPT_ACCEPT_LANGUAGE") ?? "en-US,en;q=0.9"
        extraHeaders = try settings.headers("FLOWGPT_EXTRA_HEADERS")
        allowsAdult = try settings.flag("FLOWGPT_NSFW") ?? false
        discovers = try settings.flag("FLOWGPT_DISCOVERY") ?? true
        discoveryLifetime = try settings.number("FLOWGPT_DISCOVERY_TTL", in: 1...31_536_000) ?? 3600
        discoveryPages = try settings.number("FLOWGPT_DISCOVERY_PAGES", in: 1...100) ?? 10
    }

    private static func path(_ name: String, _ settings: ProviderSettings) throws(ProviderProblem) -> String? {
        guard let path = settings.text(name) else { return nil }
        guard path.hasPrefix("/"), !path.contains(" ") else { throw ProviderProblem("\(name) must begin with /") }
        return path
    }
}
