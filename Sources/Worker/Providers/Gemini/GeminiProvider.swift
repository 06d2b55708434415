package import Core
package import HTTPCodec
internal import JSON
package import OpenAIAPI

/// Google's Gemini API in its own dialect: the compatible one that Google has beside it loses tool-call ids, finish
/// reasons and the tokens of thoughts.
package struct GeminiProvider: Provider {
    package let name = "gemini"
    package let needsAccount = true
    package let baseURL: String
    private let now: @Sendable () -> Int
    private let random: @Sendable () -> UInt64

    package static let definition = ProviderDefinition(
        name: "gemini",
        keyVariables: ["GOOGLE_API_KEY"],
        variables: ["GEMINI_BASE_URL"]
    ) { settings throws(ProviderProblem) in
        GeminiProvider(
            baseURL: try settings.url("GEMINI_BASE_URL") ?? "https://generativelanguage.googleapis.com",
            now: settings.now
        )
    }

    /// `baseURL` may end in the version (`…/v1beta`) or not, as Google's own SDK has it. `now` is in seconds since 1970 and
    /// `random` makes ids: the vendor's answers have no time, and its tool calls often no id.
    package init(
        baseURL: String,
        now: @escaping @Sendable () -> Int,
        random: @escaping @Sendable () -> UInt64 = { UInt64.random(in: 0 ... .max) }
    ) {
        let last = baseURL.split(separator: "/").last ?? ""
        let isVersioned = ["v1", "v1beta", "v1alpha"].contains(last)
        self.baseURL = isVersioned ? baseURL : baseURL + "/v1beta"
        self.now = now
        self.random = random
    }

    package func owns(_ model: String) -> Bool { model.hasPrefix("gemini-") || model.hasPrefix("models/") }

    package func needs(of request: ModelRequest, model: String) -> Needs {
        request.operation == .chat ? GeminiNeeds.of(request, GeminiModel(model)) : Needs()
    }

    package func translate(_ job: Job) throws(GatewayError) -> Call {
        let model = GeminiModel(job.model)
        switch job.request.operation {
        case .chat:
            let method: StaticString = job.request.streams ? ":streamGenerateContent?alt=sse" : ":generateContent"
            return .upstream(post(model, method, job, try GeminiRequest.body(job, model)))
        case .embedding:
            var requests: [OutgoingRequest] = []
            for body in try GeminiEmbeddings.bodies(job, model) {
                requests.append(post(model, ":batchEmbedContents", job, body))
            }
            return requests.count == 1 ? .upstream(requests[0]) : .batch(requests)
        case .completion:
            throw .notHere("model", "Gemini models do not offer this operation.")
        }
    }

    package func makeStreamTranslator(for job: Job) -> any StreamTranslator {
        GeminiStream(for: job, created: now(), seed: random())
    }

    package func translateAnswer(_ body: [UInt8], to job: Job) throws(GatewayError) -> PlainAnswer {
        if job.request.operation == .embedding { return try GeminiEmbeddings.answer([body], to: job) }
        return try GeminiAnswer.translate(body, to: job, created: now(), seed: random())
    }

    package func translateAnswers(_ bodies: [[UInt8]], to job: Job) throws(GatewayError) -> PlainAnswer {
        try GeminiEmbeddings.answer(bodies, to: job)
    }

    package func failure(_ answer: FailedAnswer) -> GatewayError { GeminiFailure.make(answer) }

    package func modelsRequest(key: String) -> OutgoingRequest? {
        // The most that one page may hold: all of them, many times over.
        OutgoingRequest(
            method: .get,
            url: baseURL + "/models?pageSize=1000",
            headers: Self.headers(key: key, streams: false)
        )
    }

    package func models(_ body: [UInt8]) -> [ListedModel]? { GeminiListing.models(body) }

    private func post(_ model: GeminiModel, _ method: StaticString, _ job: Job, _ body: [UInt8]) -> OutgoingRequest {
        OutgoingRequest(
            url: "\(baseURL)/\(model.path)\(method)",
            headers: Self.headers(key: job.key, streams: job.request.streams),
            body: body
        )
    }

    /// The key stands in a header, never in the address, which ends up in logs.
    private static func headers(key: String, streams: Bool) -> [HTTPHeader] {
        [
            HTTPHeader("x-goog-api-key", key),
            HTTPHeader("Content-Type", "application/json"),
            HTTPHeader("Accept", streams ? "text/event-stream" : "application/json"),
            // A compressed stream would wait for its compressor's buffer.
            HTTPHeader("Accept-Encoding", streams ? "identity" : "gzip"),
        ]
    }
}
