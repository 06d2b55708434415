import Core
import Dialects
import HTTPCodec
import OpenAIAPI

/// What a request line asks for.
enum Route {
    case model(ModelRequest.Operation)
    /// The same in another dialect.
    case messages
    case countTokens
    case responses
    /// What is kept of a response, or the items it came of.
    case response(id: String, StoredPart)
    /// A message to a web application in the words of ReversePro, and what goes with it.
    case reverseChat
    case reverseCount
    case reverseModes
    /// A file of an answer, for whoever has its name.
    case file(String)
    case models
    case modelDetails(String)
    case health
    case ready
    case metrics
    /// What administers the cluster; it has its own callers and its own routes.
    case admin
    /// What the mirror of the ChatGPT site answers, where there is one.
    case mirror(MirrorRoute)
    case wrongMethod(allowed: StaticString)
    case unknown

    enum StoredPart {
        case whole
        case inputItems
        case removal
    }

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
        } else if path.equals("/messages") {
            return post(head, .messages)
        } else if path.equals("/messages/count_tokens") {
            return post(head, .countTokens)
        } else if path.equals("/responses") {
            return post(head, .responses)
        } else if path.prefix(11).equals("/responses/") {
            return response(head, path.dropFirst(11))
        } else if path.equals("/models") {
            return get(head, .models)
        } else if path.prefix(8).equals("/models/") {
            // Ids have slashes, sent as they are or encoded.
            let name = path.dropFirst(8).percentDecoded()
            return name.map { get(head, .modelDetails(String(decoding: $0, as: UTF8.self))) } ?? .unknown
        }
        return .unknown
    }

    private static func response(_ head: RequestHead, _ rest: ArraySlice<UInt8>) -> Route {
        let id = String(decoding: rest.prefix { $0 != UInt8(ascii: "/") }, as: UTF8.self)
        let part = rest.dropFirst(id.utf8.count)
        if id.isEmpty { return .unknown }
        if part.equals("/input_items") { return get(head, .response(id: id, .inputItems)) }
        guard part.isEmpty else { return .unknown }
        if head.method == .delete { return .response(id: id, .removal) }
        return head.method == .get || head.method == .head
            ? .response(id: id, .whole) : .wrongMethod(allowed: "GET, DELETE")
    }

    /// How the caller wants to hear of errors, where that is not OpenAI's way.
    var errors: (any DialectErrors)? {
        switch self {
        case .messages, .countTokens: MessagesErrors()
        case .reverseChat: ReverseErrors()
        case .mirror: MirrorErrors()
        default: nil
        }
    }

    /// What is for the operator and the edge.
    private static func own(_ head: RequestHead) -> Route? {
        if head.path.prefix(8).equals("/images/") {
            return get(head, .file(String(decoding: head.path.dropFirst(8), as: UTF8.self)))
        }
        if head.path.equals("/api/chat") { return post(head, .reverseChat) }
        if head.path.equals("/api/count-tokens") { return post(head, .reverseCount) }
        if head.path.equals("/api/model-modes") { return get(head, .reverseModes) }
        if head.path.equals("/health") { return get(head, .health) }
        if head.path.equals("/ready") { return get(head, .ready) }
        if head.path.equals("/metrics") { return get(head, .metrics) }
        if head.path.prefix(11).equals("/admin/api/") || head.path.equals("/admin/api") { return .admin }
        return MirrorRoute(head.path).map { .mirror($0) }
    }

    /// Whether it asks a model.
    var usesModel: Bool {
        switch self {
        case .model, .messages, .responses, .reverseChat: true
        default: false
        }
    }

    /// For metrics: a name without values.
    var label: StaticString {
        switch self {
        case .model(.chat), .reverseChat, .reverseCount, .reverseModes: "chat"
        case .model(.completion): "completion"
        case .model(.embedding): "embedding"
        case .messages, .countTokens: "messages"
        case .responses, .response: "responses"
        case .models, .modelDetails: "models"
        case .file: "files"
        case .health, .ready, .metrics: "internal"
        case .admin: "admin"
        case .mirror: "mirror"
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
