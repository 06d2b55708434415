internal import Core
internal import JSON
internal import OpenAIAPI

/// Writes an answer of the echo model in the OpenAI shapes.
struct EchoAnswer {
    let model: String
    let created: Int
    let usage: TokenUsage

    func whole(_ text: String) -> [UInt8] {
        var writer = JSONWriter()
        begin(&writer, object: "chat.completion")
        writer.key("choices")
        writer.beginArray()
        writer.beginObject()
        writer.member("index", 0)
        writer.key("message")
        writer.beginObject()
        writer.member("role", "assistant")
        writer.member("content", text)
        writer.member("refusal", .null)
        writer.endObject()
        writer.member("logprobs", .null)
        writer.member("finish_reason", "stop")
        writer.endObject()
        writer.endArray()
        append(usage, to: &writer)
        writer.endObject()
        return writer.take()
    }

    func events(_ pieces: [String], includesUsage: Bool) -> [[UInt8]] {
        var events = [
            event {
                $0.member("role", "assistant"); $0.member("content", "")
            }
        ]
        events += pieces.map { piece in event { $0.member("content", piece) } }
        events.append(event(finishReason: "stop") { _ in })
        if includesUsage {
            var writer = JSONWriter()
            begin(&writer, object: "chat.completion.chunk")
            writer.member("choices", .literal("[]"))
            append(usage, to: &writer)
            writer.endObject()
            events.append(Self.framed(writer.take()))
        }
        return events
    }

    private func event(finishReason: String? = nil, delta: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        begin(&writer, object: "chat.completion.chunk")
        writer.key("choices")
        writer.beginArray()
        writer.beginObject()
        writer.member("index", 0)
        writer.key("delta")
        writer.beginObject()
        delta(&writer)
        writer.endObject()
        writer.member("logprobs", .null)
        writer.key("finish_reason")
        if let finishReason { writer.string(finishReason) } else { writer.null() }
        writer.endObject()
        writer.endArray()
        writer.endObject()
        return Self.framed(writer.take())
    }

    private func begin(_ writer: inout JSONWriter, object: String) {
        writer.beginObject()
        writer.member("id", "chatcmpl-echo-\(created)")
        writer.member("object", object)
        writer.member("created", created)
        writer.member("model", model)
    }

    private func append(_ usage: TokenUsage, to writer: inout JSONWriter) {
        writer.key("usage")
        writer.beginObject()
        writer.member("prompt_tokens", usage.prompt)
        writer.member("completion_tokens", usage.completion)
        writer.member("total_tokens", usage.total)
        writer.endObject()
    }

    private static func framed(_ json: [UInt8]) -> [UInt8] {
        Array("data: ".utf8) + json + Array("\n\n".utf8)
    }
}
