internal import Core
internal import JSON
internal import OpenAIAPI

/// Embeddings: always by the batch, and in vectors of length one, as OpenAI's are.
enum GeminiEmbeddings {
    /// What one call may hold.
    private static let batch = 100
    /// What one request may hold, as at OpenAI.
    private static let most = 2048

    private static let known: [StaticString] = [
        "input", "encoding_format", "dimensions", "task_type", "taskType", "title",
    ]

    /// The bodies of as many calls as the inputs need.
    static func bodies(_ job: Job, _ model: GeminiModel) throws(GatewayError) -> [[UInt8]] {
        try Parameters.check(job, known: known, provider: "Gemini")
        let root = job.request.document.root
        let inputs = try inputs(root)
        let options = try options(root)
        let name = JSONFragment.string("models/" + model.name)
        return stride(from: 0, to: inputs.count, by: batch).map { start in
            var writer = JSONWriter()
            writer.beginObject()
            writer.key("requests")
            writer.beginArray()
            for input in inputs[start..<min(start + batch, inputs.count)] {
                writer.beginObject()
                writer.member("model", name)
                writer.key("content")
                writer.beginObject()
                writer.key("parts")
                writer.beginArray()
                GeminiParts.writeText(.slice(input.raw), to: &writer)
                writer.endArray()
                writer.endObject()
                for (name, value) in options { writer.member(name, .slice(value.raw)) }
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
            return writer.take()
        }
    }

    private static func inputs(_ root: JSONValue) throws(GatewayError) -> [JSONValue] {
        guard let input = root.present("input") else {
            throw .invalid("input", "You must provide an input parameter.", code: .missingParameter)
        }
        if input.isString { return [input] }
        let inputs = Array(input.elements)
        guard inputs.allSatisfy(\.isString) else {
            throw .notHere("input", "Gemini embeds texts only; tokens are words of another model.")
        }
        guard inputs.count <= most else { throw .invalid("input", "'input' must hold at most \(most) texts.") }
        return inputs
    }

    private static func options(_ root: JSONValue) throws(GatewayError) -> [(StaticString, JSONValue)] {
        var options: [(StaticString, JSONValue)] = []
        if let value = root.present("dimensions") { options.append(("outputDimensionality", value)) }
        if let value = root.present("task_type") ?? root.present("taskType") {
            guard value.isString else { throw .invalid("task_type", "'task_type' must be a string.") }
            options.append(("taskType", value))
        }
        if let value = root.present("title") {
            guard value.isString else { throw .invalid("title", "'title' must be a string.") }
            options.append(("title", value))
        }
        return options
    }

    /// The answers to all calls as one.
    static func answer(_ bodies: [[UInt8]], to job: Job) throws(GatewayError) -> PlainAnswer {
        let root = job.request.document.root
        let wantsBase64 = root["encoding_format"]?.equals("base64") == true
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("object", "list")
        writer.key("data")
        writer.beginArray()
        var count = 0
        var tokens: Int?
        for body in bodies {
            let answer = try UpstreamAnswer.parse(body).root
            if let error = GeminiFailure.body(of: answer) { throw GeminiFailure.make(event: error) }
            guard let embeddings = answer["embeddings"], embeddings.isArray else { throw UpstreamAnswer.unexpected }
            for embedding in embeddings.elements {
                guard let values = embedding["values"], values.isArray else { throw UpstreamAnswer.unexpected }
                writer.beginObject()
                writer.member("object", "embedding")
                writer.member("index", count)
                writer.member("embedding", vector(values, wantsBase64: wantsBase64))
                writer.endObject()
                count += 1
            }
            if let usage = answer["usageMetadata"].flatMap({ GeminiUsage.usage($0) }) {
                tokens = (tokens ?? 0) + usage.prompt
            }
        }
        guard count == (try inputs(root).count) else { throw UpstreamAnswer.unexpected }
        writer.endArray()
        writer.member("model", GeminiModel(job.model).name)
        writer.key("usage")
        writer.beginObject()
        // Most models do not count.
        writer.member("prompt_tokens", tokens ?? 0)
        writer.member("total_tokens", tokens ?? 0)
        writer.endObject()
        writer.endObject()
        return PlainAnswer(body: writer.take(), usage: tokens.map { TokenUsage(prompt: $0) })
    }

    /// A vector of length one stays as it came; others, those of fewer dimensions than the model has, are made so.
    private static func vector(_ values: JSONValue, wantsBase64: Bool) -> JSONFragment {
        let numbers = values.elements.map { $0.double ?? 0 }
        let length = numbers.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let isUnit = abs(length - 1) < 1e-4
        if isUnit, !wantsBase64 { return .slice(values.raw) }
        let scale = isUnit || length == 0 || !length.isFinite ? 1 : 1 / length
        let vector = numbers.map { Float($0 * scale) }
        return .bytes(wantsBase64 ? EmbeddingEncoding.base64(vector) : EmbeddingEncoding.numbers(vector))
    }
}
