package import Core
internal import HTTPCodec
internal import JSON
package import OpenAIAPI

/// MiniMax: OpenAI's dialect in name, with habits of its own in requests, streams and errors.
package struct MiniMaxProvider: Provider {
    package let name = "minmax"
    package let aliases = ["minimax"]
    package let needsAccount = true
    package let knownModels = ["MiniMax-M3", "MiniMax-M2.7", "MiniMax-M1", "MiniMax-Text-01"]
    /// The chat endpoint itself.
    private let url: String

    package static let definition = ProviderDefinition(
        name: "minmax",
        keyVariables: ["MINMAX_API_KEY"],
        variables: ["MINMAX_API_URL"]
    ) { settings throws(ProviderProblem) in
        MiniMaxProvider(url: try settings.url("MINMAX_API_URL") ?? "https://api.minimax.io")
    }

    /// `url` is the whole endpoint, or a base that may end in the version.
    package init(url: String) {
        let rest = url.drop { $0 != "/" }.dropFirst(2)
        if url.hasSuffix("/v1") {
            self.url = url + "/text/chatcompletion_v2"
        } else if rest.contains("/") {
            self.url = url
        } else {
            self.url = url + "/v1/text/chatcompletion_v2"
        }
    }

    package var baseURL: String { url }

    package func owns(_ model: String) -> Bool { model.hasPrefix("MiniMax-") || model.hasPrefix("abab") }

    package func needs(of request: ModelRequest, model: String) -> Needs {
        MiniMaxReasoning.needs(of: request.document.root)
    }

    package func translate(_ job: Job) throws(GatewayError) -> Call {
        guard job.request.operation == .chat else {
            throw .notHere("model", "MiniMax models do not offer this operation here.")
        }
        return .upstream(
            OutgoingRequest(
                url: url,
                headers: OpenAIWire.headers(key: job.key, streams: job.request.streams),
                body: try MiniMaxRequest.body(job, isCompatible: url.hasSuffix("/chat/completions"))
            )
        )
    }

    package func makeStreamTranslator(for job: Job) -> any StreamTranslator { MiniMaxStream(for: job) }

    package func translateAnswer(_ body: [UInt8], to job: Job) throws(GatewayError) -> PlainAnswer {
        try MiniMaxAnswer.translate(body, to: job)
    }

    package func failure(_ answer: FailedAnswer) -> GatewayError { MiniMaxFailure.make(answer) }
}
