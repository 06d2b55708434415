import Core
import HTTPCodec
import OpenAIAPI

/// What a request line asks for.
enum Route {
    case model(ModelRequest.Operation)
    case models
    case modelDetails(String)
    case health
    case ready
    case metrics
    case wrongMethod(allowed: StaticString)
    case unknown

    init(_ head: RequestHead) {
        var path = head.path
        // Clients differ in whether their base URL ends in the version.
        if path.prefix(4).equals("/v1/") { path = path.dropFirst(3) }
        if path.equals("/chat/completions") {
            self = Self.post(head, .model(.chat))
        } else if path.equals("/completions") {
            self = Self.post(head, .model(.completion))
        } else if path.equals("/embeddings") {
            self = Self.post(head, .model(.embedding))
        } else if path.equals("/models") {
            self = Self.get(head, .models)
        } else if path.prefix(8).equals("/models/") {
            // Ids have slashes, sent as they are or encoded.
            let name = path.dropFirst(8).percentDecoded()
            self = name.map { Self.get(head, .modelDetails(String(decoding: $0, as: UTF8.self))) } ?? .unknown
        } else if path.equals("/health") {
            self = Self.get(head, .health)
        } else if path.equals("/ready") {
            self = Self.get(head, .ready)
        } else if path.equals("/metrics") {
            self = Self.get(head, .metrics)
        } else {
            self = .unknown
        }
    }

    /// For metrics: a name without values.
    var label: StaticString {
        switch self {
        case .model(.chat): "chat"
        case .model(.completion): "completion"
        case .model(.embedding): "embedding"
        case .models, .modelDetails: "models"
        case .health, .ready, .metrics: "internal"
        case .wrongMethod, .unknown: "unknown"
        }
    }

    private static func post(_ head: RequestHead, _ route: Route) -> Route {
        head.method == .post ? route : .wrongMethod(allowed: "POST")
    }

    private static func get(_ head: RequestHead, _ route: Route) -> Route {
        head.method == .get || head.method == .head ? route : .wrongMethod(allowed: "GET")
    }
}
