internal import Core
internal import JSON
internal import OpenAIAPI

/// Writes what an assistant said and called as a turn of the model: text first, then its calls, each with the signature it
/// came with.
struct GeminiModelTurn {
    let job: Job
    let model: GeminiModel

    /// Writes nothing for a message that says nothing, which the vendor refuses.
    func write(_ message: ChatMessage, to writer: inout JSONWriter) throws(GatewayError) {
        var parts = JSONWriter()
        parts.beginArray()
        try writeParts(message, to: &parts)
        parts.endArray()
        let bytes = parts.take()
        guard bytes.count > 2 else { return }
        writer.beginObject()
        writer.member("role", "model")
        writer.member("parts", .bytes(bytes))
        writer.endObject()
    }

    private func writeParts(_ message: ChatMessage, to writer: inout JSONWriter) throws(GatewayError) {
        var signature = model.hasSignatures ? GeminiKept.carriedSignature(message.source) : nil
        for part in message.parts {
            switch part.kind {
            case .text(let text), .refusal(let text):
                if text.isEmptyString { continue }
                writer.beginObject()
                writer.member("text", .slice(text.raw))
                if let carried = signature.take() { writer.member("thoughtSignature", .slice(carried.raw)) }
                writer.endObject()
            // Somebody else's thoughts mean nothing to this model.
            case .other("thinking"), .other("redacted_thinking"), .other("reasoning"): continue
            default: _ = try GeminiParts.write(part, job, model, to: &writer)
            }
        }
        try writeImages(message, to: &writer)
        let kept = message.toolCalls.map { GeminiKept($0, in: job, model) }
        for (place, call) in message.toolCalls.enumerated() {
            try write(call, kept[place], isFirst: place == 0, to: &writer)
        }
        if let signature {
            writer.beginObject()
            writer.member("text", "")
            writer.member("thoughtSignature", .slice(signature.raw))
            writer.endObject()
        }
    }

    /// Images that the model made in an earlier turn.
    private func writeImages(_ message: ChatMessage, to writer: inout JSONWriter) throws(GatewayError) {
        var place = 0
        for image in message.source["images"]?.elements.map({ $0 }) ?? [] {
            let parameter = "\(message.path).images[\(place)].image_url.url"
            place += 1
            guard let url = image["image_url"]?["url"]?.string else {
                throw .invalid(parameter, "An image must have a 'url'.", code: .missingParameter)
            }
            writer.beginObject()
            try GeminiAttachment.write(url, parameter, job, to: &writer)
            writer.endObject()
        }
    }

    private func write(
        _ call: ToolCall,
        _ kept: GeminiKept,
        isFirst: Bool,
        to writer: inout JSONWriter
    ) throws(GatewayError) {
        guard let arguments = call.argumentsObject else {
            throw .invalid(call.path + ".function.arguments", "The arguments of a call must be a JSON object.")
        }
        writer.beginObject()
        writer.key("functionCall")
        writer.beginObject()
        if kept.hasVendorID { writer.member("id", call.id) }
        writer.member("name", call.name)
        writer.member("args", .bytes(arguments))
        writer.endObject()
        // Of parallel calls only the first is signed.
        if let signature = kept.signature ?? (isFirst && model.requiresSignatures ? GeminiKept.foreign : nil) {
            writer.member("thoughtSignature", signature)
        }
        writer.endObject()
    }
}
