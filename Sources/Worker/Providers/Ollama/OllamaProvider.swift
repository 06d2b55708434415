package import Core
package import HTTPCodec
internal import JSON
package import OpenAIAPI

/// Ollama in its own dialect: the compatible one that it has beside it forces sampling parameters on its models, tears
/// messages with images apart and swallows errors in streams.
package struct OllamaProvider: Provider {
    package let name = "ollama"
    /// A server of one's own asks for no key; one behind a proxy, or the vendor's cloud, does.
    package let needsAccount: Bool
    package let isConfigured: Bool
    package let baseURL: String
    package let streamType = MediaType.lineDelimitedJSON
    /// How long a model may take to be loaded.
    package let patience: Duration?
    private let now: @Sendable () -> Int
    private let random: @Sendable () -> UInt64

    package static let definition = ProviderDefinition(
        name: "ollama",
        keyVariables: ["OLLAMA_API_KEY"],
        variables: ["OLLAMA_BASEURL", "OLLAMA_TIMEOUT"]
    ) { settings throws(ProviderProblem) in
        let url = try settings.url("OLLAMA_BASEURL")
        let hasKey = !settings.list("OLLAMA_API_KEY").isEmpty
        // Somebody else's server that speaks OpenAI's dialect under this name.
        if let url, url.hasSuffix("/v1") { return OpenAIProvider(baseURL: url, name: "ollama", needsAccount: hasKey) }
        return OllamaProvider(
            baseURL: url,
            hasKey: hasKey,
            patience: try patience(settings.text("OLLAMA_TIMEOUT")),
            now: settings.now
        )
    }

    /// Without `baseURL` the provider is there, but not configured. `now` is in seconds since 1970 and `random` makes ids:
    /// answers have none, nor have the calls of older servers.
    package init(
        baseURL: String?,
        hasKey: Bool = false,
        patience: Duration? = nil,
        now: @escaping @Sendable () -> Int,
        random: @escaping @Sendable () -> UInt64 = { UInt64.random(in: 0 ... .max) }
    ) {
        self.baseURL = baseURL ?? "http://127.0.0.1:11434"
        isConfigured = baseURL != nil
        needsAccount = hasKey
        self.patience = patience
        self.now = now
        self.random = random
    }

    package func owns(_ model: String) -> Bool { false }

    package func needs(of request: ModelRequest, model: String) -> Needs {
        request.operation == .chat ? OllamaImages.needs(of: request) : Needs()
    }

    package func translate(_ job: Job) throws(GatewayError) -> Call {
        switch job.request.operation {
        case .chat:
            let chat = try ChatRequest(job.request)
            let call = post("/api/chat", job, try OllamaRequest.body(chat, job))
            guard chat.choices > 1 else { return .upstream(call) }
            guard !job.request.streams else {
                try job.refuse("n", "Ollama gives one choice only in a stream.")
                return .upstream(call)
            }
            return .batch(Array(repeating: call, count: chat.choices))
        case .embedding: return .upstream(post("/api/embed", job, try OllamaEmbeddings.body(job)))
        case .completion: throw .notHere("model", "Ollama's models do not offer this operation.")
        }
    }

    package func makeStreamTranslator(for job: Job) -> any StreamTranslator {
        OllamaStream(for: job, created: now(), seed: random())
    }

    package func translateAnswer(_ body: [UInt8], to job: Job) throws(GatewayError) -> PlainAnswer {
        if job.request.operation == .embedding { return try OllamaEmbeddings.answer(body, to: job) }
        return try translateAnswers([body], to: job)
    }

    package func translateAnswers(_ bodies: [[UInt8]], to job: Job) throws(GatewayError) -> PlainAnswer {
        try OllamaAnswer.translate(bodies, to: job, created: now(), seed: random())
    }

    package func failure(_ answer: FailedAnswer) -> GatewayError { OllamaFailure.make(answer) }

    package func modelsRequest(key: String) -> OutgoingRequest? {
        OutgoingRequest(method: .get, url: baseURL + "/api/tags", headers: Self.headers(key: key, streams: false))
    }

    package func models(_ body: [UInt8]) -> [ListedModel]? { OllamaListing.models(body) }

    private func post(_ path: StaticString, _ job: Job, _ body: [UInt8]) -> OutgoingRequest {
        OutgoingRequest(
            url: "\(baseURL)\(path)",
            headers: Self.headers(key: job.key, streams: job.request.streams),
            body: body
        )
    }

    private static func headers(key: String, streams: Bool) -> [HTTPHeader] {
        let common = [
            HTTPHeader("Content-Type", "application/json"),
            HTTPHeader("Accept", streams ? "application/x-ndjson" : "application/json"),
            // A compressed stream would wait for its compressor's buffer.
            HTTPHeader("Accept-Encoding", streams ? "identity" : "gzip"),
        ]
        return key.isEmpty ? common : [HTTPHeader("Authorization", "Bearer " + key)] + common
    }

    private static func patience(_ text: String?) throws(ProviderProblem) -> Duration? {
        guard let text else { return .seconds(120) }
        guard let seconds = Double(text), seconds > 0, seconds < 1e6 else {
            throw ProviderProblem("OLLAMA_TIMEOUT must be a number of seconds")
        }
        return .milliseconds(Int(seconds * 1000))
    }
}
