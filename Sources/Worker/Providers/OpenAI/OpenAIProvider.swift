package import Core
package import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// OpenAI itself and everything that speaks its dialect under another base URL.
package struct OpenAIProvider: Provider {
    package let name: String
    package let needsAccount: Bool
    package let baseURL: String

    package static let definition = ProviderDefinition(
        name: "openai",
        keyVariables: ["OPENAI_API_KEY"],
        variables: ["OPENAI_BASE_URL"]
    ) { settings throws(ProviderProblem) in
        OpenAIProvider(baseURL: try settings.url("OPENAI_BASE_URL") ?? "https://api.openai.com/v1")
    }

    /// `baseURL` ends in the version, as the SDKs have it: `https://…/v1`. Under another name it is somebody else's server,
    /// which has none of OpenAI's own models.
    package init(baseURL: String, name: String = "openai", needsAccount: Bool = true) {
        self.baseURL = baseURL
        self.name = name
        self.needsAccount = needsAccount
    }

    package func owns(_ model: String) -> Bool {
        guard name == "openai" else { return false }
        let families = ["gpt-", "chatgpt-", "o1", "o3", "o4", "text-embedding-", "davinci-", "babbage-", "ft:gpt-"]
        // The free web models have names of the same shape and another home.
        return families.contains { model.hasPrefix($0) } && !model.hasSuffix("-free")
    }

    package func translate(_ job: Job) throws(GatewayError) -> Call {
        let path =
            switch job.request.operation {
            case .chat: "/chat/completions"
            case .completion: "/completions"
            case .embedding: "/embeddings"
            }
        return .upstream(
            OutgoingRequest(
                url: baseURL + path,
                headers: OpenAIWire.headers(key: job.key, streams: job.request.streams),
                body: OpenAIWire.body(job.request, model: job.model)
            )
        )
    }

    package func makeStreamTranslator(for job: Job) -> any StreamTranslator {
        OpenAIStream(for: job.request)
    }

    package func translateAnswer(_ body: [UInt8], to job: Job) throws(GatewayError) -> PlainAnswer {
        try OpenAIWire.answer(body, to: job.request)
    }

    package func failure(_ answer: FailedAnswer) -> GatewayError { UpstreamFailure.make(answer) }

    package func modelsRequest(key: String) -> OutgoingRequest? {
        OutgoingRequest(method: .get, url: baseURL + "/models", headers: OpenAIWire.headers(key: key, streams: false))
    }
}
