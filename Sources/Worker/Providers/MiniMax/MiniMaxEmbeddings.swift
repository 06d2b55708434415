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
        let request = job.request.document.root
        let wanted = request["input"].map { $0.isString ? 1 : $0.count } ?? 0
        guard let vectors = answer["vectors"], vectors.isArray, vectors.count == wanted,
            vectors.elements.allSatisfy(\.isArray)
        else { throw UpstreamAnswer.unexpected }
        let wantsBase64 = request["encoding_format"]?.equals("base64") == true
        let tokens = min(max(0, answer["total_tokens"]?.int ?? 0), 1 << 40)
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("object", "list")
        writer.key("data")
        writer.beginArray()
        for (index, vector) in vectors.elements.enumerated() {
            writer.beginObject()
            writer.member("object", "embedding")
            writer.member("index", index)
            writer.member(
                "embedding",
                wantsBase64
                    ? .bytes(EmbeddingEncoding.base64(vector.elements.map { Float($0.double ?? 0) }))
                    : .slice(vector.raw)
            )
            writer.endObject()
        }
        writer.endArray()
        writer.member("model", job.model)
        writer.key("usage")
        writer.beginObject()
        writer.member("prompt_tokens", tokens)
        writer.member("total_tokens", tokens)
        writer.endObject()
        writer.endObject()
        return PlainAnswer(body: writer.take(), usage: TokenUsage(prompt: tokens))
    }
}
