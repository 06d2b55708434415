package import Core
package import HTTPCodec
internal import JSON
package import OpenAIAPI

/// Anthropic's Messages API.
package struct AnthropicProvider: Provider {
    package let name = "claude"
    package let aliases = ["anthropic"]
    package let needsAccount = true
    package let baseURL: String
    private let version: String
    private let now: @Sendable () -> Int

    package static let definition = ProviderDefinition(
        name: "claude",
        keyVariables: ["ANTHROPIC_API_KEY"],
        variables: ["ANTHROPIC_BASE_URL", "ANTHROPIC_VERSION"]
    ) { settings throws(ProviderProblem) in
        let version = settings.text("ANTHROPIC_VERSION") ?? "2023-06-01"
        guard version.utf8.count == 10, RFC3339.seconds(version + "T00:00:00Z") != nil else {
            throw ProviderProblem("ANTHROPIC_VERSION must be a date like 2023-06-01")
        }
        return AnthropicProvider(
            baseURL: try settings.url("ANTHROPIC_BASE_URL") ?? "https://api.anthropic.com",
            version: version,
            now: settings.now
        )
    }

    /// `baseURL` may end in the version, as OpenAI's does, or not, as Anthropic's own SDK has it. `now` is in seconds since
    /// 1970: the vendor's answers carry no time.
    package init(baseURL: String, version: String = "2023-06-01", now: @escaping @Sendable () -> Int) {
        self.baseURL = baseURL.hasSuffix("/v1") ? baseURL : baseURL + "/v1"
        self.version = version
        self.now = now
    }

    package func owns(_ model: String) -> Bool { model.hasPrefix("claude-") }

    package func needs(of request: ModelRequest, model: String) -> Needs {
        var needs = Needs()
        guard request.operation == .chat, AnthropicModel(model).version >= 307 else { return needs }
        needs.calls = AnthropicReasoning.callsWithout(request.document.root)
        return needs
    }

    package func translate(_ job: Job) throws(GatewayError) -> Call {
        guard job.request.operation == .chat else {
            throw .notHere("model", "Anthropic's models do not offer this operation.")
        }
        let chat = try ChatRequest(job.request)
        let plan = try AnthropicPlan(chat, job, version: version)
        let outgoing = OutgoingRequest(
            url: baseURL + "/messages",
            headers: headers(key: job.key, streams: job.request.streams)
                + (try AnthropicRequest.betaHeaders(chat)),
            body: try AnthropicRequest.body(chat, plan, job)
        )
        if chat.choices == 1 { return .upstream(outgoing) }
        guard !job.request.streams, chat.choices <= Self.mostChoices else {
            try job.refuse(
                "n",
                "Anthropic gives one choice in a stream, and the gateway asks for at most 16 otherwise."
            )
            return .upstream(outgoing)
        }
        return .batch(Array(repeating: outgoing, count: chat.choices))
    }

    /// Each is a call of its own.
    private static let mostChoices = 16

    package func makeStreamTranslator(for job: Job) -> any StreamTranslator {
        AnthropicStream(for: job, created: now())
    }

    package func translateAnswer(_ body: [UInt8], to job: Job) throws(GatewayError) -> PlainAnswer {
        try translateAnswers([body], to: job)
    }

    package func translateAnswers(_ bodies: [[UInt8]], to job: Job) throws(GatewayError) -> PlainAnswer {
        try AnthropicAnswer.translate(bodies, to: job, created: now())
    }

    package func failure(_ answer: FailedAnswer) -> GatewayError { AnthropicFailure.make(answer) }

    package func modelsRequest(key: String) -> OutgoingRequest? {
        OutgoingRequest(
            method: .get,
            url: baseURL + "/models?limit=1000",
            headers: headers(key: key, streams: false)
        )
    }

    package func models(_ body: [UInt8]) -> [ListedModel]? { AnthropicListing.models(body) }

    private func headers(key: String, streams: Bool) -> [HTTPHeader] {
        [
            HTTPHeader("x-api-key", key),
            HTTPHeader("anthropic-version", version),
            HTTPHeader("Content-Type", "application/json"),
            HTTPHeader("Accept", streams ? "text/event-stream" : "application/json"),
            // A compressed stream would wait for its compressor's buffer.
            HTTPHeader("Accept-Encoding", streams ? "identity" : "gzip"),
        ]
    }
}
