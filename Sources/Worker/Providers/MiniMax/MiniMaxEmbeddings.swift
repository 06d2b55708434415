internal import Core
internal import JSON
internal import OpenAIAPI

/// Embeddings, in words of the vendor's own.
enum MiniMaxEmbeddings {
    /// The only size there is.
    private static let dimensions = 1536

    static func body(_ job: Job) throws(GatewayError) -> [UInt8] {
        try Parameters.check(
            job,
            known: ["input", "encoding_format", "dimensions", "type", "input_type"],
            provider: "MiniMax"
        )
        let root = job.request.document.root
        guard let input = root.present("input"), input.isString || input.elements.allSatisfy(\.isString) else {
            throw .notHere("input", "MiniMax embeds texts only; tokens are words of another model.")
        }
        if let size = root.present("dimensions"), size.int != dimensions {
            try job.refuse("dimensions", "MiniMax's vectors have \(dimensions) dimensions.")
        }
        let type = (root.present("type") ?? root.present("input_type"))?.string ?? "db"
        guard type == "db" || type == "query" else { throw .invalid("type", "'type' must be 'db' or 'query'.") }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("model", job.model)
        writer.key("texts")
        if input.isString {
            writer.beginArray()
            writer.value(input)
            writer.endArray()
        } else {
            writer.value(input)
        }
        writer.member("type", type)
        writer.endObject()
        return writer.take()
    }

    static func answer(_ body: [UInt8], to job: Job) throws(GatewayError) -> PlainAnswer {
        let answer = try UpstreamAnswer.parse(body).root
        if let failure = MiniMaxFailure.made(answer) { throw failure }
        let tokens = min(max(0, answer["total_tokens"]?.int ?? 0), 1 << 40)
        return try EmbeddingList.answer(answer["vectors"], to: job, usage: TokenUsage(prompt: tokens))
    }
}
