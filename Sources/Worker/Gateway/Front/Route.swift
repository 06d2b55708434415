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
    /// What administers the cluster; it has its own callers and its own routes.
    case admin
    case wrongMethod(allowed: StaticString)
    case unknown

    init(_ head: RequestHead) {
        self = Self.own(head) ?? Self.api(head)
    }

    /// What the endpoint offers to clients, who differ in whether their base URL ends in the version.
    private static func api(_ head: RequestHead) -> Route {
        let path = head.path.prefix(4).equals("/v1/") ? head.path.dropFirst(3) : head.path
        if path.equals("/chat/completions") {
            return post(head, .model(.chat))
        } else if path.equals("/completions") {
            return post(head, .model(.completion))
        } else if path.equals("/embeddings") {
            return post(head, .model(.embedding))
        } else if path.equals("/models") {
            return get(head, .models)
        } else if path.prefix(8).equals("/models/") {
            // Ids have slashes, sent as they are or encoded.
            let name = path.dropFirst(8).percentDecoded()
            return name.map { get(head, .modelDetails(String(decoding: $0, as: UTF8.self))) } ?? .unknown
        }
        return .unknown
    }

    /// What is for the operator and the edge.
    private static func own(_ head: RequestHead) -> Route? {
        if head.path.equals("/health") { return get(head, .health) }
        if head.path.equals("/ready") { return get(head, .ready) }
        if head.path.equals("/metrics") { return get(head, .metrics) }
        if head.path.prefix(11).equals("/admin/api/") || head.path.equals("/admin/api") { return .admin }
        return nil
    }

    /// For metrics: a name without values.
    var label: StaticString {
        switch self {
        case .model(.chat): "chat"
        case .model(.completion): "completion"
        case .model(.embedding): "embedding"
        case .models, .modelDetails: "models"
        case .health, .ready, .metrics: "internal"
        case .admin: "admin"
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
