internal import Core
internal import JSON
internal import OpenAIAPI

/// A list of embeddings in OpenAI's words, made of the vectors of a vendor that has others.
enum EmbeddingList {
    /// `vectors` are arrays of numbers, one for each input in its order; another number of them is no answer.
    static func answer(_ vectors: JSONValue?, to job: Job, usage: TokenUsage?) throws(GatewayError) -> PlainAnswer {
        let request = job.request.document.root
        let wanted = request["input"].map { $0.isString ? 1 : $0.count } ?? 0
        guard let vectors, vectors.isArray, vectors.count == wanted, vectors.elements.allSatisfy(\.isArray) else {
            throw UpstreamAnswer.unexpected
        }
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
        writer.key("usage")
        writer.beginObject()
        writer.member("prompt_tokens", usage?.prompt ?? 0)
        writer.member("total_tokens", usage?.prompt ?? 0)
        writer.endObject()
        writer.endObject()
        return PlainAnswer(body: writer.take(), usage: usage)
    }
}
