internal import Core
internal import JSON
internal import OpenAIAPI

/// Writes a file of the request as a document, or as the image it is.
enum AnthropicDocument {
    static func block(
        _ file: ContentPart.FileReference,
        _ part: ContentPart,
        _ marker: JSONValue?
    ) throws(GatewayError) -> [UInt8] {
        if let id = file.id {
            return write(file, part, marker) { writer in
                writer.key("source")
                writer.beginObject()
                writer.member("type", "file")
                writer.member("file_id", id)
                writer.endObject()
            }
        }
        let path = "\(part.path).file.file_data"
        guard let given = file.data else {
            throw .invalid(path, "A file must have 'file_data' or 'file_id'.", code: .missingParameter)
        }
        if AnthropicContent.isAddress(given) {
            return write(file, part, marker) { AnthropicContent.writeSource(url: given, to: &$0) }
        }
        guard let data = DataURL(given) else {
            throw .invalid(path, "A file must be a data: URL in base64 or an http(s) address.")
        }
        if AnthropicContent.imageTypes.contains(data.mediaType) {
            return AnthropicContent.write("image", marker) {
                AnthropicContent.writeSource(data.mediaType, base64: data.base64, to: &$0)
            }
        }
        if data.mediaType == "application/pdf" {
            return write(file, part, marker) {
                AnthropicContent.writeSource(data.mediaType, base64: data.base64, to: &$0)
            }
        }
        guard data.mediaType.hasPrefix("text/") || data.mediaType == "application/json" else {
            throw .notHere(path, "Anthropic takes PDF and text files, and images.")
        }
        guard let bytes = Base64.standard.decode(String(data.base64)),
            let text = String(validating: bytes, as: UTF8.self)
        else {
            throw .invalid(path, "The text file is not valid base64 of UTF-8.")
        }
        return write(file, part, marker) { writer in
            writer.key("source")
            writer.beginObject()
            writer.member("type", "text")
            writer.member("media_type", "text/plain")
            writer.member("data", text)
            writer.endObject()
        }
    }

    /// A document with what the client says to this vendor about it.
    private static func write(
        _ file: ContentPart.FileReference,
        _ part: ContentPart,
        _ marker: JSONValue?,
        _ source: (inout JSONWriter) -> Void
    ) -> [UInt8] {
        AnthropicContent.write("document", marker) { writer in
            source(&writer)
            if let title = part.source.present("title"), title.isString {
                writer.key("title")
                writer.value(title)
            } else if let name = file.name, !name.isEmpty {
                writer.member("title", name)
            }
            for name in ["context", "citations"] as [StaticString] {
                guard let value = part.source.present(name) else { continue }
                writer.key(name)
                writer.value(value)
            }
        }
    }
}
