internal import JSON

/// Turns `logprobsResult` into OpenAI's `logprobs`.
enum GeminiLogprobs {
    static func fragment(_ result: JSONValue) -> JSONFragment {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("content")
        writer.beginArray()
        var places = result["topCandidates"]?.elements
        for chosen in result["chosenCandidates"]?.elements.map({ $0 }) ?? [] {
            let others = places?.next()?["candidates"]
            writer.beginObject()
            writeToken(chosen, to: &writer)
            writer.key("top_logprobs")
            writer.beginArray()
            for other in others?.elements.map({ $0 }) ?? [] {
                writer.beginObject()
                writeToken(other, to: &writer)
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
        }
        writer.endArray()
        writer.member("refusal", .null)
        writer.endObject()
        return .bytes(writer.take())
    }

    private static func writeToken(_ candidate: JSONValue, to writer: inout JSONWriter) {
        let token = candidate["token"]?.string ?? ""
        writer.member("token", token)
        writer.key("logprob")
        if let value = candidate["logProbability"], value.isNumber { writer.value(value) } else { writer.integer(0) }
        writer.key("bytes")
        writer.beginArray()
        for byte in token.utf8 { writer.integer(Int(byte)) }
        writer.endArray()
    }
}
