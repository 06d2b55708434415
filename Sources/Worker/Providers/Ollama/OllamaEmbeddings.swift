internal import Core
internal import JSON
internal import OpenAIAPI

/// Embeddings: texts only, whose vectors come in length one, as OpenAI's do.
enum OllamaEmbeddings {
    private static let passed: [StaticString] = ["dimensions", "truncate", "keep_alive", "options"]

    static func body(_ job: Job) throws(GatewayError) -> [UInt8] {
        try Parameters.check(job, known: ["input", "encoding_format"] + passed, provider: "Ollama")
        let root = job.request.document.root
        guard let input = root.present("input"), count(input) > 0 else {
            throw .invalid("input", "'input' must not be empty.")
        }
        guard input.isString || input.elements.allSatisfy(\.isString) else {
            throw .notHere("input", "Ollama embeds texts only; tokens are words of another model.")
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("model", job.model)
        writer.member("input", .slice(input.raw))
        for name in passed {
            guard let value = root.present(name) else { continue }
            writer.key(name)
            writer.value(value)
        }
        writer.endObject()
        return writer.take()
    }

    static func answer(_ body: [UInt8], to job: Job) throws(GatewayError) -> PlainAnswer {
        let answer = try UpstreamAnswer.parse(body).root
        if answer.present("error") != nil { throw OllamaFailure.make(event: answer) }
        let request = job.request.document.root
        guard let vectors = answer["embeddings"], vectors.isArray, let input = request["input"],
            vectors.count == count(input), vectors.elements.allSatisfy(\.isArray)
        else { throw UpstreamAnswer.unexpected }
        let wantsBase64 = request["encoding_format"]?.equals("base64") == true
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
        let usage = OllamaEnd.usage(answer)
        writer.key("usage")
        writer.beginObject()
        writer.member("prompt_tokens", usage?.prompt ?? 0)
        writer.member("total_tokens", usage?.prompt ?? 0)
        writer.endObject()
        writer.endObject()
        return PlainAnswer(body: writer.take(), usage: usage)
    }

    private static func count(_ input: JSONValue) -> Int { input.isString ? 1 : input.count }
}
