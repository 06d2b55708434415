package import Core
internal import HTTPCodec
internal import JSON
package import OpenAIAPI

/// MiniMax: OpenAI's dialect in name, with habits of its own in requests, streams and errors.
package struct MiniMaxProvider: Provider {
    package let name = "minmax"
    package let aliases = ["minimax"]
    package let needsAccount = true
    package let knownModels = [
        "MiniMax-M3", "MiniMax-M2.7", "MiniMax-M2.7-highspeed", "MiniMax-M2.5", "MiniMax-M2.5-highspeed",
        "MiniMax-M2.1", "MiniMax-M2", "MiniMax-M1", "MiniMax-Text-01",
    ]
    private let addresses: MiniMaxAddresses
    private let now: @Sendable () -> Int

    package static let definition = ProviderDefinition(
        name: "minmax",
        keyVariables: ["MINMAX_API_KEY"],
        variables: ["MINMAX_API_URL", "MINMAX_GROUP_ID"]
    ) { settings throws(ProviderProblem) in
        MiniMaxProvider(
            url: try settings.url("MINMAX_API_URL") ?? "https://api.minimax.io",
            group: settings.text("MINMAX_GROUP_ID"),
            now: settings.now
        )
    }

    /// `now` is in seconds since 1970, for answers without a time.
    package init(url: String, group: String? = nil, now: @escaping @Sendable () -> Int) {
        addresses = MiniMaxAddresses(url, group: group)
        self.now = now
    }

    package var baseURL: String { addresses.chat }

    package func owns(_ model: String) -> Bool {
        model.hasPrefix("MiniMax-") || model.hasPrefix("abab") || model == "embo-01"
    }

    package func needs(of request: ModelRequest, model: String) -> Needs {
        guard request.operation == .chat, MiniMaxModel(model).thinks else { return Needs() }
        return MiniMaxReasoning.needs(of: request.document.root)
    }

    package func translate(_ job: Job) throws(GatewayError) -> Call {
        switch job.request.operation {
        case .chat:
            let model = MiniMaxModel(job.model)
            let url = addresses.chat(model)
            return post(url, job, try MiniMaxRequest.body(job, model, isCompatible: MiniMaxAddresses.isCompatible(url)))
        case .embedding:
            guard job.model.hasPrefix("embo-"), let url = addresses.embeddings else { break }
            return post(url, job, try MiniMaxEmbeddings.body(job))
        case .completion: break
        }
        throw .notHere("model", "MiniMax models do not offer this operation here.")
    }

    package func makeStreamTranslator(for job: Job) -> any StreamTranslator { MiniMaxStream(for: job, created: now()) }

    package func translateAnswer(_ body: [UInt8], to job: Job) throws(GatewayError) -> PlainAnswer {
        if job.request.operation == .embedding { return try MiniMaxEmbeddings.answer(body, to: job) }
        return try MiniMaxAnswer.translate(body, to: job, created: now())
    }

    package func failure(_ answer: FailedAnswer) -> GatewayError { MiniMaxFailure.make(answer) }

    private func post(_ url: String, _ job: Job, _ body: [UInt8]) -> Call {
        .upstream(
            OutgoingRequest(
                url: url,
                headers: OpenAIWire.headers(key: job.key, streams: job.request.streams),
                body: body
            )
        )
    }
}
