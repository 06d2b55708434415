internal import Core
internal import JSON
internal import OpenAIAPI

/// Writes parts of content as Gemini's.
enum GeminiParts {
    /// False where the part had to be left out.
    static func write(
        _ part: ContentPart,
        _ job: Job,
        _ model: GeminiModel,
        to writer: inout JSONWriter
    ) throws(GatewayError) -> Bool {
        switch part.kind {
        case .text(let text), .refusal(let text): writeText(.slice(text.raw), to: &writer)
        case .audio(let base64, let format):
            writer.beginObject()
            writer.key("inlineData")
            writer.beginObject()
            writer.member("mimeType", "audio/" + format.lowercased())
            writer.key("data")
            writer.value(base64)
            writer.endObject()
            writer.endObject()
        case .image(_, let detail):
            try writeAttachment(part, job, to: &writer) { writer in
                guard model.takesMediaInResults, let level = resolution(detail) else { return }
                writer.key("mediaResolution")
                writer.beginObject()
                writer.member("level", .literal(level))
                writer.endObject()
            }
        case .file: try writeAttachment(part, job, to: &writer) { _ in }
        case .other(let type):
            try job.refuse(part.path + ".type", "Gemini has nothing that corresponds to '\(type.prefix(100))'.")
            return false
        }
        return true
    }

    static func writeText(_ text: JSONFragment, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("text", text)
        writer.endObject()
    }

    /// How closely an image is looked at; as a JSON string.
    static func resolution(_ detail: String?) -> StaticString? {
        switch detail {
        case "low": #""MEDIA_RESOLUTION_LOW""#
        case "high": #""MEDIA_RESOLUTION_HIGH""#
        default: nil
        }
    }

    private static func writeAttachment(
        _ part: ContentPart,
        _ job: Job,
        to writer: inout JSONWriter,
        _ further: (inout JSONWriter) -> Void
    ) throws(GatewayError) {
        guard let (url, parameter) = GeminiAttachment.url(of: part) else {
            throw .invalid(part.path + ".file", "A file must have 'file_data' or 'file_id'.", code: .missingParameter)
        }
        writer.beginObject()
        try GeminiAttachment.write(
            url,
            parameter,
            type: part.source["file"]?.present("format")?.string,
            job,
            to: &writer
        )
        further(&writer)
        writer.endObject()
    }
}
