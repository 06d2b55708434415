import Core
import Dialects
import EventLoop
import HTTPCodec
import HTTPServer
import OpenAIAPI
import Providers
import State

/// One request on its way through the gateway: who asks, what has been spent, how it ended.
@LoopActor
final class RequestContext {
    let id: String
    let exchange: Exchange
    let receivedAt: Instant
    /// For the log and the counters; never the key itself.
    var caller = ""
    /// The caller's key, unless it is the operator's.
    var key: KeyRecord?
    /// What is reserved of the key's limits, to be settled at the end.
    var charge: Charge?
    /// What is left of the key's limits, for the answer's head.
    var rates: RateStatus?
    /// What the request was expected to use.
    var estimate: TokenUsage?
    var route = Route.unknown
    /// How the client wants to hear of errors, where its request tells that and not its path.
    var errors: (any DialectErrors)?
    /// How the client speaks, where that is not chat.
    var dialect: (any Dialect)?
    var model = ""
    var streams = false
    var candidate: Candidate?
    /// What was gathered for the request, for as long as another attempt may need it.
    var materials = Materials()
    /// Of a request to a web application.
    var plan: TurnPlan?
    /// A credential that the caller brought along, for one provider's web application.
    var ownKey: String?
    /// For as long as somebody may want to know more of the request.
    var head: RequestHead?
    /// The request makes sense only where conversations are kept.
    var wantsConversation = false
    /// What a stream's chunks are called, where that is no chat completion.
    var streamName: String?
    /// The workspace that the client's header names, among those of the account.
    var workspace: String?
    /// As the client knows this service; empty where it did not say.
    var host = ""
    var scheme = "http"
    /// The account of the last upstream call.
    var account = ""

    var authenticatedAt: Instant?
    var upstreamAskedAt: Instant?
    var upstreamAnsweredAt: Instant?
    var firstByteAt: Instant?
    var connectMicroseconds: Int?

    var upstreamCalls = 0
    var chunks = 0
    /// Of a whole answer.
    var answerBytes = 0
    var usage: TokenUsage?
    /// What was counted where the upstream did not say.
    var counted: TokenUsage?
    /// In nano-dollars; nil where no price is known.
    var cost: Int?

    /// Whose state the request may see: the key's, or the operator's.
    var owner: String { key?.digest ?? "master" }

    /// Reads of the head what only some providers need to know, and lets go of it.
    func meetClient() {
        guard let head = head.take() else { return }
        workspace = head.first("chatgpt-account-id").map { $0.text } ?? workspace
        host = head.first("host").map { $0.text } ?? ""
        if head.first("x-forwarded-proto").map({ $0.equals("https") }) == true { scheme = "https" }
    }

    init(id: String, exchange: Exchange, receivedAt: Instant) {
        self.id = id
        self.exchange = exchange
        self.receivedAt = receivedAt
    }
}
