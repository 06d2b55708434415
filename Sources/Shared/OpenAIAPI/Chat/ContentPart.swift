internal import Core
package import JSON

/// One part of a message's content. `source` is the part as the client wrote it, where vendors' own members may stand.
package struct ContentPart {
    package enum Kind {
        case text(JSONValue)
        /// `url` is a `data:` URL or an address.
        case image(url: String, detail: String?)
        /// Base64, and its format (`wav`, `mp3`).
        case audio(base64: JSONValue, format: String)
        case file(FileReference)
        case refusal(JSONValue)
        /// A part that the OpenAI dialect does not know: somebody's extension.
        case other(type: String)
    }

    package let kind: Kind
    package let source: JSONValue
    /// Where it stands in the request, for errors: `messages[2].content[0]`.
    package let path: String

    init(_ source: JSONValue, path: String) throws(GatewayError) {
        self.source = source
        self.path = path
        // A string stands for one part of text.
        if source.isString {
            kind = .text(source)
            return
        }
        let type = source["type"]?.string ?? ""
        switch type {
        case "text", "input_text", "output_text":
            kind = .text(try Self.string(source, "text", path))
        case "refusal":
            kind = .refusal(try Self.string(source, "refusal", path))
        case "image_url":
            // Some clients put the address where the object should be.
            guard let image = source["image_url"], let url = image.string ?? image["url"]?.string else {
                throw .invalid("\(path).image_url.url", "An image must have a 'url'.", code: .missingParameter)
            }
            kind = .image(url: url, detail: image.isObject ? image.present("detail")?.string : nil)
        case "input_audio":
            guard let audio = source["input_audio"], let data = audio["data"], data.isString,
                let format = audio["format"]?.string
            else {
                throw .invalid(
                    "\(path).input_audio",
                    "Audio must have 'data' and 'format'.",
                    code: .missingParameter
                )
            }
            kind = .audio(base64: data, format: format)
        case "file":
            guard let file = source["file"], file.isObject else {
                throw .invalid("\(path).file", "A file part must have a 'file' object.", code: .missingParameter)
            }
            kind = .file(
                FileReference(
                    data: file.present("file_data")?.string,
                    id: file.present("file_id")?.string,
                    name: file.present("filename")?.string
                )
            )
        default:
            kind = .other(type: type)
        }
    }

    /// A file by value (a `data:` URL, or an address where the client found that natural), or by the id of an upload.
    package struct FileReference {
        package let data: String?
        package let id: String?
        package let name: String?
    }

    private static func string(
        _ source: JSONValue,
        _ key: StaticString,
        _ path: String
    ) throws(GatewayError) -> JSONValue {
        guard let value = source[key], value.isString else {
            throw .invalid("\(path).\(key)", "'\(key)' must be a string.")
        }
        return value
    }
}
