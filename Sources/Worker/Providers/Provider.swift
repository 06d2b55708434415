package import Core
package import HTTPCodec
internal import JSON
package import OpenAIAPI

/// An upstream's dialect: a pure translation between the canonical request and its wire, with no loop, no sockets and no
/// state. Where to send comes from the operator's configuration, with which key from the pool.
package protocol Provider: Sendable {
    /// The prefix of its models' public names.
    var name: String { get }
    /// Further prefixes that mean the same.
    var aliases: [String] { get }
    /// Whether its calls are made with an account of its pool; else it serves without one.
    var needsAccount: Bool { get }
    /// Whether a provider without accounts can be called at all.
    var isConfigured: Bool { get }
    /// Where its calls go, as far as that is one place.
    var baseURL: String { get }
    /// Whether its models are served at endpoints that come and go, before its own place is asked.
    var hasEndpoints: Bool { get }
    /// Ids it serves without being asked what it has.
    var knownModels: [String] { get }
    /// What a streamed answer is sent as.
    var streamType: MediaType { get }
    /// Whether a stream may come as this; the usual answer is `streamType` alone.
    func mayBeStream(_ type: MediaType) -> Bool
    /// How long a stream's first event may take, where that is not what holds for all upstreams: models that must be loaded
    /// first take minutes.
    var patience: Duration? { get }

    /// The provider itself, where it is a web application.
    var web: (any WebProvider)? { get }

    /// Whether a bare model name can only be meant for this provider.
    func owns(_ model: String) -> Bool
    /// The upstream's name for a model that a client asked for as `prefix/name`.
    func modelID(_ name: String, prefix: String) -> String
    /// What must be gathered before the job can be translated.
    func needs(of request: ModelRequest, model: String) -> Needs
    /// The request as this upstream wants it.
    func translate(_ job: Job) throws(GatewayError) -> Call
    /// Reads the stream that answers the job.
    func makeStreamTranslator(for job: Job) -> any StreamTranslator
    /// Reads the whole answer to the job.
    func translateAnswer(_ body: [UInt8], to job: Job) throws(GatewayError) -> PlainAnswer
    /// Puts the answers to a batch together, in the order of its requests.
    func translateAnswers(_ bodies: [[UInt8]], to job: Job) throws(GatewayError) -> PlainAnswer
    /// What an unsuccessful answer means.
    func failure(_ answer: FailedAnswer) -> GatewayError
    /// Asks which models there are; nil where the upstream cannot say.
    func modelsRequest(key: String) -> OutgoingRequest?
    /// Reads what the upstream said to that; nil where it makes no sense.
    func models(_ body: [UInt8]) -> [ListedModel]?
    /// The next page of a list that comes in several; nil when there is none.
    func modelsRequest(key: String, after pages: [[UInt8]]) -> OutgoingRequest?
    /// Reads all pages of a list.
    func models(ofPages pages: [[UInt8]]) -> [ListedModel]?
    /// How long a list is good for, where that is longer than it is for others.
    var listLifetime: Duration? { get }
}

extension Provider {
    package var aliases: [String] { [] }
    package var isConfigured: Bool { true }
    package var web: (any WebProvider)? { nil }
    package var hasEndpoints: Bool { false }
    package var baseURL: String { "" }
    package var knownModels: [String] { [] }
    package var streamType: MediaType { .eventStream }
    package var patience: Duration? { nil }

    package func modelID(_ name: String, prefix: String) -> String { name }

    package func needs(of request: ModelRequest, model: String) -> Needs { Needs() }

    package func translateAnswers(_ bodies: [[UInt8]], to job: Job) throws(GatewayError) -> PlainAnswer {
        preconditionFailure("\(name) makes no batches")
    }

    package func mayBeStream(_ type: MediaType) -> Bool { type == streamType }

    package var listLifetime: Duration? { nil }

    package func modelsRequest(key: String) -> OutgoingRequest? { nil }

    package func modelsRequest(key: String, after pages: [[UInt8]]) -> OutgoingRequest? { nil }

    package func models(ofPages pages: [[UInt8]]) -> [ListedModel]? { pages.first.flatMap { models($0) } }

    /// As OpenAI lists them.
    package func models(_ body: [UInt8]) -> [ListedModel]? {
        guard let document = try? JSONDocument(parsing: body), let data = document.root["data"], data.isArray else {
            return nil
        }
        return data.elements.compactMap { item in
            guard let id = item["id"]?.string, !id.isEmpty else { return nil }
            return ListedModel(id: id, created: item["created"]?.int ?? 0, owner: item["owned_by"]?.string)
        }
    }
}

/// A model that an upstream says it has.
package struct ListedModel: Sendable, Equatable {
    package var id: String
    /// In seconds since 1970; 0 where nobody says.
    package var created: Int
    package var owner: String?
    /// What it can do, where the upstream says: `chat`, `embeddings`, `vision`, `tools`, `reasoning` …
    package var capabilities: [String]
    /// The most tokens of a request, and of an answer.
    package var contextLength: Int?
    package var maxOutput: Int?
    /// What the provider is told in place of the id, where the two differ.
    package var target: String?

    package init(
        id: String,
        created: Int = 0,
        owner: String? = nil,
        capabilities: [String] = [],
        contextLength: Int? = nil,
        maxOutput: Int? = nil,
        target: String? = nil
    ) {
        self.id = id
        self.created = created
        self.owner = owner
        self.capabilities = capabilities
        self.contextLength = contextLength
        self.maxOutput = maxOutput
        self.target = target
    }
}

/// How a request is to be served.
package enum Call: Sendable {
    case upstream(OutgoingRequest)
    /// Several calls that make one answer, for what one call cannot hold; never for streams. `translateAnswers` puts them
    /// together.
    case batch([OutgoingRequest])
    /// The answer is known without asking anyone.
    case local(LocalAnswer)
}

/// An answer made by the gateway itself.
package struct LocalAnswer: Sendable {
    package var body: [UInt8]
    /// Complete events, one by one.
    package var events: [[UInt8]]
    package var usage: TokenUsage
}

/// A whole answer in the OpenAI dialect.
package struct PlainAnswer: Sendable {
    package var body: [UInt8]
    package var usage: TokenUsage?
    /// What must be remembered for the next turn.
    package var kept: [KeptState] = []

    package init(body: [UInt8], usage: TokenUsage?, kept: [KeptState] = []) {
        self.body = body
        self.usage = usage
        self.kept = kept
    }
}

/// What an upstream answered that is no success.
package struct FailedAnswer: Sendable {
    package var status: Int
    package var body: [UInt8]
    package var retryAfter: String?
    package var now: @Sendable () -> Int

    package init(status: Int, body: [UInt8], retryAfter: String? = nil, now: @escaping @Sendable () -> Int = { 0 }) {
        self.status = status
        self.body = body
        self.retryAfter = retryAfter
        self.now = now
    }
}

extension GatewayError {
    /// The request asks for what this provider lacks; another candidate may have it.
    static func notHere(_ parameter: String, _ message: String) -> GatewayError {
        GatewayError(.unsupportedParameter, message, source: .client, retry: .elsewhere, parameter: parameter)
    }
}
