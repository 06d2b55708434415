internal import Core
internal import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// Embeddings: calls cut to what an engine takes at once, answers put into order, encoding and size.
enum HuggingFaceEmbeddings {
    static func call(
        _ job: Job,
        _ kind: EngineKind,
        url: String,
        _ headers: [HTTPHeader],
        _ edits: [JSONEdit],
        _ model: String
    ) -> Call {
        var edits = edits
        if kind.ignoresEncoding { edits += [.remove("encoding_format"), .remove("dimensions")] }
        let batches = batches(job.request.document.root["input"], of: kind.embeddingBatch)
        guard batches.count > 1 else {
            let body = OpenAIWire.body(job.request, model: model, further: edits)
            return .upstream(OutgoingRequest(url: url, headers: headers, body: body))
        }
        return .batch(
            batches.map { batch in
                OutgoingRequest(
                    url: url,
                    headers: headers,
                    body: OpenAIWire.body(job.request, model: model, further: edits + [.set("input", .bytes(batch))])
                )
            }
        )
    }

    /// Hugging Face's own inference, whose words are others: `inputs` in, bare vectors out.
    static func hostedCall(_ job: Job, base: String, _ headers: [HTTPHeader]) throws(GatewayError) -> Call {
        let input = job.request.document.root["input"]
        let texts = input.map { $0.isArray ? Array($0.elements) : [$0] } ?? []
        guard !texts.isEmpty, texts.allSatisfy(\.isString) else {
            throw .notHere("input", "This upstream takes texts, not token ids.")
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("inputs")
        writer.beginArray()
        for text in texts { writer.value(text) }
        writer.endArray()
        writer.endObject()
        guard job.model.utf8.allSatisfy({ isPlain($0) }), !job.model.contains("..") else {
            throw .invalid("model", "The model's name has a character that no such name has.", code: .modelNotFound)
        }
        let url = "\(base)/models/\(job.model)/pipeline/feature-extraction"
        return .upstream(OutgoingRequest(url: url, headers: headers, body: writer.take()))
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "/"):
            true
        default: false
        }
    }

    /// The inputs in lists of at most `size`; one list, or none, where nothing need be cut.
    private static func batches(_ input: JSONValue?, of size: Int) -> [[UInt8]] {
        guard size > 0, let input, input.isArray, input.count > size,
            input.elements.allSatisfy({ $0.isString || $0.isArray })
        else { return [] }
        var batches: [[UInt8]] = []
        var writer = JSONWriter()
        for (place, element) in input.elements.enumerated() {
            if place % size == 0 {
                if place > 0 {
                    writer.endArray()
                    batches.append(writer.take())
                }
                writer.beginArray()
            }
            writer.value(element)
        }
        writer.endArray()
        batches.append(writer.take())
        return batches
    }

    static func answer(_ bodies: [[UInt8]], to job: Job) throws(GatewayError) -> PlainAnswer {
        var vectors: [EmbeddingVector] = []
        var prompt: Int?
        for body in bodies {
            guard let document = try? JSONDocument(parsing: body) else { throw senseless("no JSON") }
            let root = document.root
            if let error = root.present("error") { throw HuggingFaceFailure.make(event: error) }
            vectors += try Self.vectors(root)
            if let counted = TokenUsage(root.present("usage")) { prompt = (prompt ?? 0) + counted.prompt }
        }
        guard vectors.count == expected(job.request.document.root["input"]) else {
            throw senseless("another number of vectors than of inputs")
        }
        let root = job.request.document.root
        let dimensions = root.present("dimensions")?.int
        let wantsBase64 = root["encoding_format"]?.equals("base64") == true
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("object", "list")
        writer.key("data")
        writer.beginArray()
        for (place, vector) in vectors.enumerated() {
            writer.beginObject()
            writer.member("object", "embedding")
            writer.member("index", place)
            writer.key("embedding")
            vector.shortened(to: dimensions).write(asBase64: wantsBase64, to: &writer)
            writer.endObject()
        }
        writer.endArray()
        writer.member("model", job.model)
        // What nobody has counted is estimated, so that it does not go for nothing.
        let tokens = prompt ?? TokenEstimate.usage(of: job.request).prompt
        writer.key("usage")
        writer.beginObject()
        writer.member("prompt_tokens", tokens)
        writer.member("total_tokens", tokens)
        writer.endObject()
        writer.endObject()
        return PlainAnswer(body: writer.take(), usage: prompt.map { TokenUsage(prompt: $0, completion: 0) })
    }

    /// OpenAI's shape, or the bare lists of the hosted pipeline.
    private static func vectors(_ root: JSONValue) throws(GatewayError) -> [EmbeddingVector] {
        if root.isArray {
            // One input of some models is answered without the outer list.
            if root[0]?.isNumber == true { return [try EmbeddingVector(root)] }
            var list: [EmbeddingVector] = []
            for value in root.elements { list.append(try EmbeddingVector(value)) }
            return list
        }
        guard let data = root["data"], data.isArray else { throw senseless("no data") }
        var list: [(index: Int, vector: EmbeddingVector)] = []
        for (place, item) in data.elements.enumerated() {
            guard let value = item["embedding"] else { throw senseless("an item without a vector") }
            list.append((item["index"]?.int ?? place, try EmbeddingVector(value)))
        }
        list.sort { $0.index < $1.index }
        guard list.enumerated().allSatisfy({ $0.offset == $0.element.index }) else { throw senseless("wrong indexes") }
        return list.map(\.vector)
    }

    private static func expected(_ input: JSONValue?) -> Int {
        guard let input, input.isArray else { return 1 }
        return input[0]?.isNumber == true ? 1 : input.count
    }

    static func senseless(_ cause: String) -> GatewayError {
        GatewayError(
            .upstreamInvalid,
            "The upstream's answer is not what was asked for.",
            source: .upstream,
            retry: .elsewhere,
            cause: cause
        )
    }
}
