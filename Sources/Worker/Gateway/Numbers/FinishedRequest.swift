import Core
import OpenAIAPI

/// What is counted about a request that is over.
struct FinishedRequest {
    /// What kind of thing was asked for.
    enum Kind: Int, CaseIterable {
        case chat, completion, embedding, messages, responses, models, files, mirror, unknown
        /// Health checks and the like, which are no requests to anybody else.
        case own

        var label: String {
            switch self {
            case .chat: "chat"
            case .completion: "completion"
            case .embedding: "embedding"
            case .messages: "messages"
            case .responses: "responses"
            case .models: "models"
            case .files: "files"
            case .mirror: "mirror"
            case .unknown: "unknown"
            case .own: "internal"
            }
        }
    }

    var kind: Kind
    var reason: EndReason
    var status: Int
    /// Nil where the request ended before anybody was chosen to serve it.
    var provider: String?
    var model = ""
    var receivedAt: Instant
    var firstByteAt: Instant?
    var endedAt: Instant
    var chunks = 0
    var upstreamCalls = 0
    var usage: TokenUsage?
    /// In nano-dollars.
    var cost: Int?
}

extension FinishedRequest.Kind {
    init(_ route: Route) {
        self =
            switch route {
            case .model(.chat), .reverseChat, .reverseCount, .reverseModes: .chat
            case .model(.completion): .completion
            case .model(.embedding): .embedding
            case .messages, .countTokens: .messages
            case .responses, .response: .responses
            case .models, .modelDetails: .models
            case .file: .files
            case .mirror: .mirror
            case .health, .ready, .metrics, .admin: .own
            case .wrongMethod, .unknown: .unknown
            }
    }
}
