package import Core
package import HTTPCodec
internal import JSON
package import OpenAIAPI

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

    package func needs(of request: ModelRequest, model: String) -> Needs {
        let root = request.document.root
        guard request.operation == .chat, DeepSeekThoughts.areExpected(root, model: model) else { return Needs() }
        return DeepSeekThoughts.needs(of: root)
    }

    package func translate(_ job: Job) throws(GatewayError) -> Call {
        guard job.request.operation == .chat else {
            throw .notHere("model", "DeepSeek models do not offer this operation.")
        }
        let url = job.request.streams ? streamURL : plainURL
        return .upstream(
            OutgoingRequest(
                url: url,
                headers: OpenAIWire.headers(key: job.key, streams: job.request.streams),
                body: OpenAIWire.body(
                    job.request,
                    model: job.model,
                    further: try DeepSeekRequest(job, isBeta: url.contains("/beta/")).edits()
                )
            )
        )
    }

    package func makeStreamTranslator(for job: Job) -> any StreamTranslator {
        let root = job.request.document.root
        let mayCall = (root.present("tools")?.count ?? 0) > 0
        return OpenAIStream(
            for: job.request,
            keepsThoughts: mayCall && DeepSeekThoughts.areExpected(root, model: job.model)
        )
    }

    package func translateAnswer(_ body: [UInt8], to job: Job) throws(GatewayError) -> PlainAnswer {
        // While a request waits in the queue, DeepSeek keeps the connection alive with blank lines before the body.
        var answer = try OpenAIWire.answer(body, to: job.request)
        guard let document = try? JSONDocument(parsing: answer.body) else { return answer }
        if ChunkFacts(document.root).isInterrupted { throw .interrupted }
        answer.kept = DeepSeekThoughts.kept(of: document.root)
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
