internal import Core
internal import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// What all OpenAI-shaped upstreams share on the wire.
enum OpenAIWire {
    static func headers(key: String, streams: Bool) -> [HTTPHeader] {
        (key.isEmpty ? [] : [HTTPHeader("Authorization", "Bearer " + key)]) + [
            HTTPHeader("Content-Type", "application/json"),
            HTTPHeader("Accept", streams ? "text/event-stream" : "application/json"),
            // A compressed stream would wait for its compressor's buffer.
            HTTPHeader("Accept-Encoding", streams ? "identity" : "gzip"),
        ]
    }

    /// The client's own body with the upstream's name of the model. Usage is always asked of streams, because the
    /// gateway accounts for it even where the client did not ask.
    static func body(_ request: ModelRequest, model: String, further edits: [JSONEdit] = []) -> [UInt8] {
        // The name is set even where it stays: an object may hold it twice, and readers differ in which one they believe.
        var edits = edits + [.set("model", .string(model))]
        if request.streams, request.operation != .embedding, !request.wantsUsage {
            edits.append(.edit("stream_options", [.set("include_usage", .true)]))
        }
        for name in request.dispensable where request.document.root[name] != nil { edits.append(.remove(name)) }
        return request.document.replacing(edits)
    }

    /// Checks that the answer is what it should be and finds its usage; the bytes stay as they came.
    static func answer(_ body: [UInt8], to request: ModelRequest) throws(GatewayError) -> PlainAnswer {
        let document = try UpstreamAnswer.parse(body)
        let root = document.root
        // Some upstreams answer 200 and mean an error.
        if let error = root.present("error"), root.present("choices") == nil, root.present("data") == nil {
            throw UpstreamFailure.make(event: error)
        }
        guard root.present(request.operation == .embedding ? "data" : "choices")?.isArray == true else {
            throw UpstreamAnswer.unexpected
        }
        let usage = TokenUsage(root.present("usage"))
        if request.operation == .embedding, let encoded = EmbeddingEncoding.adapt(document, to: request) {
            return PlainAnswer(body: encoded, usage: usage)
        }
        return PlainAnswer(body: body, usage: usage)
    }
}
