package import Core
package import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// Models of Hugging Face: on engines that the operator runs, else on Hugging Face's own router.
package struct HuggingFaceProvider: Provider {
    package let name = "huggingface"
    package let aliases = [HuggingFaceNames.sentences]
    /// The router's calls are; those to engines go without one.
    package let needsAccount = true
    package let hasEndpoints = true
    package let baseURL: String
    private let embeddingsURL: String
    private let now: @Sendable () -> Int
    private let callID: @Sendable () -> String

    package static let definition = ProviderDefinition(
        name: "huggingface",
        keyVariables: ["HF_TOKEN"],
        variables: ["HUGGINGFACE_BASE_URL", "HUGGINGFACE_EMBEDDINGS_URL"]
    ) { settings throws(ProviderProblem) in
        HuggingFaceProvider(
            baseURL: try settings.url("HUGGINGFACE_BASE_URL") ?? "https://router.huggingface.co/v1",
            embeddingsURL: try settings.url("HUGGINGFACE_EMBEDDINGS_URL")
                ?? "https://router.huggingface.co/hf-inference",
            now: settings.now
        )
    }

    /// `now` is in seconds since 1970; `callID` makes ids for calls that an engine gives none of their own.
    package init(
        baseURL: String,
        embeddingsURL: String,
        now: @escaping @Sendable () -> Int,
        callID: @escaping @Sendable () -> String = { ToolArguments.newCallID() }
    ) {
        self.now = now
        self.callID = callID
        self.baseURL = baseURL
        self.embeddingsURL = embeddingsURL
    }

    package func owns(_ model: String) -> Bool { false }

    package func modelID(_ name: String, prefix: String) -> String { HuggingFaceNames.id(name, prefix: prefix) }

    package func translate(_ job: Job) throws(GatewayError) -> Call {
        guard let endpoint = job.endpoint else { return try translateForRouter(job) }
        let kind = EngineKind.known[endpoint.kind] ?? EngineKind(serves: [.chat, .completion, .embedding])
        guard kind.serves.contains(job.request.operation) else {
            throw .notHere("model", "The engine of this model does not offer this operation.")
        }
        let base = endpoint.url + kind.prefix
        let edits = try HuggingFaceRequest.edits(job, kind)
        let headers = HuggingFaceRequest.headers(key: endpoint.key, streams: job.request.streams)
        switch job.request.operation {
        case .chat, .completion:
            return .upstream(
                OutgoingRequest(
                    url: base + (job.request.operation == .chat ? "/chat/completions" : "/completions"),
                    headers: headers,
                    body: OpenAIWire.body(job.request, model: endpoint.model, further: edits)
                )
            )
        case .embedding:
            return HuggingFaceEmbeddings.call(job, kind, url: base + "/embeddings", headers, edits, endpoint.model)
        }
    }

    private func translateForRouter(_ job: Job) throws(GatewayError) -> Call {
        let headers = HuggingFaceRequest.headers(key: job.key, streams: job.request.streams)
        switch job.request.operation {
        case .chat:
            return .upstream(
                OutgoingRequest(
                    url: baseURL + "/chat/completions",
                    headers: headers,
                    body: OpenAIWire.body(
                        job.request,
                        model: job.model,
                        further: try HuggingFaceRequest.edits(job, .router)
                    )
                )
            )
        case .embedding:
            return try HuggingFaceEmbeddings.hostedCall(job, base: embeddingsURL, headers)
        case .completion:
            throw .notHere("model", "Hugging Face's router does not offer this operation.")
        }
    }

    package func makeStreamTranslator(for job: Job) -> any StreamTranslator {
        let kind = job.endpoint.flatMap { EngineKind.known[$0.kind] } ?? .router
        let chunks = TolerantChunks(
            model: job.model,
            isChat: job.request.operation == .chat,
            startedAt: now(),
            keepsText: kind.omitsUsage,
            callID: callID
        )
        return TolerantStream(
            for: job.request,
            chunks,
            omitsToolFinish: kind.omitsToolFinish,
            omitsUsage: kind.omitsUsage
        )
    }

    package func translateAnswer(_ body: [UInt8], to job: Job) throws(GatewayError) -> PlainAnswer {
        try translateAnswers([body], to: job)
    }

    package func translateAnswers(_ bodies: [[UInt8]], to job: Job) throws(GatewayError) -> PlainAnswer {
        if job.request.operation == .embedding { return try HuggingFaceEmbeddings.answer(bodies, to: job) }
        return try HuggingFaceAnswer(job: job, now: now(), callID: callID).make(bodies.first ?? [])
    }

    package func failure(_ answer: FailedAnswer) -> GatewayError { HuggingFaceFailure.make(answer) }

    package func modelsRequest(key: String) -> OutgoingRequest? {
        OutgoingRequest(
            method: .get,
            url: baseURL + "/models",
            headers: HuggingFaceRequest.headers(key: key, streams: false)
        )
    }
}
