internal import OpenAIAPI

/// The programs that serve models of Hugging Face: all speak OpenAI's dialect, each with its own accent. What differs is
/// data; there is one way through the code.
struct EngineKind: Sendable {
    /// Before `/chat/completions` and `/embeddings`.
    var prefix = "/v1"
    var serves: Set<ModelRequest.Operation> = [.chat, .completion]
    /// The only word for the limit that it understands is `max_tokens`.
    var wantsMaxTokens = false
    /// Thinking is turned off by an argument of the model's template.
    var thinksByTemplate = false
    /// What it does not know makes it refuse the whole request.
    var refusesUnknown = false
    /// A stream with a tool call may end without a reason for its end.
    var omitsToolFinish = false
    var givesOneChoice = false
    /// The most inputs of one embedding call; 0 where there is no limit.
    var embeddingBatch = 0
    /// It takes no notice of the encoding or the dimensions that are asked for; they are made here.
    var ignoresEncoding = false
    /// A schema stands beside the type of the format, which is `json_object`.
    var takesBareSchema = false
    /// Its streams tell no usage, whoever asks: it is counted.
    var omitsUsage = false

    static let known: [String: EngineKind] = [
        "vllm": EngineKind(serves: [.chat, .completion, .embedding], thinksByTemplate: true),
        "sglang": EngineKind(serves: [.chat, .completion, .embedding], thinksByTemplate: true),
        "tgi": EngineKind(wantsMaxTokens: true, omitsToolFinish: true, givesOneChoice: true),
        "llamacpp": EngineKind(
            serves: [.chat, .completion, .embedding],
            thinksByTemplate: true,
            givesOneChoice: true
        ),
        "llamacpp-py": EngineKind(
            serves: [.chat, .completion, .embedding],
            wantsMaxTokens: true,
            givesOneChoice: true,
            ignoresEncoding: true,
            takesBareSchema: true,
            omitsUsage: true
        ),
        "transformers": EngineKind(wantsMaxTokens: true, refusesUnknown: true, givesOneChoice: true),
        "tei": EngineKind(serves: [.embedding], embeddingBatch: 32),
        "infinity": EngineKind(prefix: "", serves: [.embedding]),
        "embedder": EngineKind(serves: [.embedding], embeddingBatch: 2048),
    ]

    /// Hugging Face's own router, which passes on to whoever serves the model.
    static let router = EngineKind(prefix: "", serves: [.chat])
}
