internal import Core
internal import JSON
internal import OpenAIAPI

/// Content of messages and of results: a text, or parts.
enum ResponsesContent {
    static func write(_ content: JSONValue, path: String, to writer: inout JSONWriter) throws(GatewayError) {
        if content.isString { return writer.value(content) }
        guard content.isArray else { throw .invalid(path, "Content must be a string or an array of parts.") }
        writer.beginArray()
        for (place, part) in content.elements.enumerated() {
            try write(part: part, path: "\(path)[\(place)]", to: &writer)
        }
        writer.endArray()
    }

    private static func write(part: JSONValue, path: String, to writer: inout JSONWriter) throws(GatewayError) {
        switch part["type"]?.string {
        case "input_text", "output_text", "text":
            guard let text = part["text"], text.isString else {
                throw .invalid("\(path).text", "'text' must be a string.", code: .missingParameter)
            }
            writer.object { writer in
                writer.member("type", "text")
                writer.member("text", text)
            }
        case "input_image":
            guard let url = part.present("image_url"), url.isString else {
                throw .invalid(
                    "\(path).image_url",
                    "Images must come as an address or a data URL.",
                    code: .unsupportedParameter
                )
            }
            writer.object { writer in
                writer.member("type", "image_url")
                writer.object("image_url") { writer in
                    writer.member("url", url)
                    if let detail = part.present("detail") { writer.member("detail", detail) }
                }
            }
        case "input_file":
            guard let data = part.present("file_data") ?? part.present("file_url") ?? part.present("file_id") else {
                throw .invalid("\(path).file_data", "A file must come with its data.", code: .missingParameter)
            }
            writer.object { writer in
                writer.member("type", "file")
                writer.object("file") { writer in
                    if part.present("file_data") == nil, part.present("file_url") == nil {
                        writer.member("file_id", data)
                    } else {
                        writer.member("file_data", data)
                    }
                    if let name = part.present("filename") { writer.member("filename", name) }
                }
            }
        case let type:
            throw .invalid(
                "\(path).type",
                "Parts of the type '\((type ?? "").prefix(60))' cannot be passed on.",
                code: .unsupportedParameter
            )
        }
    }
}
