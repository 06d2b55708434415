internal import Core
internal import JSON
internal import OpenAIAPI

/// Embeddings: texts only, whose vectors come in length one, as OpenAI's do.
enum OllamaEmbeddings {
    private static let passed: [StaticString] = ["dimensions", "truncate", "keep_alive", "options"]

    static func body(_ job: Job) throws(GatewayError) -> [UInt8] {
        try Parameters.check(job, known: ["input", "encoding_format"] + passed, provider: "Ollama")
        let root = job.request.document.root
        guard let input = root.present("input"), input.isString || input.count > 0 else {
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
        return try EmbeddingList.answer(answer["embeddings"], to: job, usage: OllamaEnd.usage(answer))
    }
}
