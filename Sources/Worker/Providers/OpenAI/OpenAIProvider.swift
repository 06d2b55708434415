package import Core
package import HTTPCodec
internal import JSON
package import OpenAIAPI

/// OpenAI itself and everything that speaks its dialect under another base URL.
package struct OpenAIProvider: Provider {
    package let name = "openai"
    package let aliases: [String] = []
    package let needsAccount = true
    package let knownModels: [String] = []
    private let baseURL: String

    /// `baseURL` ends in the version, as the SDKs have it: `https://…/v1`.
    package init(baseURL: String) {
        self.baseURL = baseURL
    }

    package func owns(_ model: String) -> Bool {
        let families = ["gpt-", "chatgpt-", "o1", "o3", "o4", "text-embedding-", "davinci-", "babbage-", "ft:gpt-"]
        // The free web models have names of the same shape and another home.
        return families.contains { model.hasPrefix($0) } && !model.hasSuffix("-free")
    }

    package func translate(_ request: ModelRequest, model: String, key: String) throws(GatewayError) -> Call {
        let path =
            switch request.operation {
            case .chat: "/chat/completions"
            case .completion: "/completions"
            case .embedding: "/embeddings"
            }
        return .upstream(
            OutgoingRequest(
                url: baseURL + path,
                headers: OpenAIWire.headers(key: key, streams: request.streams),
                body: OpenAIWire.body(request, model: model)
            )
        )
    }

    package func makeStreamTranslator(for request: ModelRequest) -> any StreamTranslator {
        OpenAIStream(for: request)
    }

    package func translateAnswer(_ body: [UInt8], to request: ModelRequest) throws(GatewayError) -> PlainAnswer {
        try OpenAIWire.answer(body, to: request)
    }

    package func failure(_ answer: FailedAnswer) -> GatewayError { UpstreamFailure.make(answer) }

    package func modelsRequest(key: String) -> OutgoingRequest? {
        OutgoingRequest(method: .get, url: baseURL + "/models", headers: OpenAIWire.headers(key: key, streams: false))
    }
}
