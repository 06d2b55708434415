package import Core
package import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// DeepSeek: OpenAI's dialect with other names for a few things.
package struct DeepSeekProvider: Provider {
    package let name = "deepseek"
    package let needsAccount = true
    package let knownModels = ["deepseek-chat", "deepseek-reasoner"]
    private let streamURL: String
    private let plainURL: String
    private let modelsURL: String

    package static let definition = ProviderDefinition(
        name: "deepseek",
        keyVariables: ["DEEPSEEK_API_KEY"],
        variables: ["DEEPSEEK_API_URL", "DEEPSEEK_API_ENDPOINT_NONSTREAM"]
    ) { settings throws(ProviderProblem) in
        DeepSeekProvider(
            streamURL: try settings.url("DEEPSEEK_API_URL") ?? "https://api.deepseek.com",
            plainURL: try settings.url("DEEPSEEK_API_ENDPOINT_NONSTREAM")
        )
    }

    /// Either address may be a base or already name the endpoint.
    package init(streamURL: String, plainURL: String?) {
        self.streamURL = Self.endpoint(streamURL)
        self.plainURL = Self.endpoint(plainURL ?? streamURL)
        modelsURL = String(self.streamURL.dropLast("/chat/completions".count)) + "/models"
    }

    package var baseURL: String { streamURL }

    package func owns(_ model: String) -> Bool { model.hasPrefix("deepseek-") }

    package func translate(_ job: Job) throws(GatewayError) -> Call {
        guard job.request.operation == .chat else {
            throw .notHere("model", "DeepSeek models do not offer this operation.")
        }
        return .upstream(
            OutgoingRequest(
                url: job.request.streams ? streamURL : plainURL,
                headers: OpenAIWire.headers(key: job.key, streams: job.request.streams),
                body: OpenAIWire.body(
                    job.request,
                    model: job.model,
                    further: try DeepSeekRequest.edits(job.request.document.root, model: job.model)
                )
            )
        )
    }

    package func makeStreamTranslator(for job: Job) -> any StreamTranslator {
        OpenAIStream(for: job.request)
    }

    package func translateAnswer(_ body: [UInt8], to job: Job) throws(GatewayError) -> PlainAnswer {
        // While a request waits in the queue, DeepSeek keeps the connection alive with blank lines before the body.
        let answer = try OpenAIWire.answer(body, to: job.request)
        guard let document = try? JSONDocument(parsing: answer.body) else { return answer }
        if ChunkFacts(document.root).isInterrupted { throw .interrupted }
        return answer
    }

    package func failure(_ answer: FailedAnswer) -> GatewayError { UpstreamFailure.make(answer) }

    package func modelsRequest(key: String) -> OutgoingRequest? {
        OutgoingRequest(method: .get, url: modelsURL, headers: OpenAIWire.headers(key: key, streams: false))
    }

    private static func endpoint(_ url: String) -> String {
        url.hasSuffix("/chat/completions") ? url : url + "/chat/completions"
    }
}
