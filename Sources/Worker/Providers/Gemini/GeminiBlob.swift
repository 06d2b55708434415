internal import JSON

/// Content by value in an answer: images, which OpenAI's chat has no word for, and sound.
enum GeminiBlob {
    static func isAudio(_ blob: JSONValue) -> Bool { type(blob).hasPrefix("audio/") }

    /// A list of `image_url` parts as a member; `first` is the place of the first among all of the answer.
    static func writeImages(_ blobs: [JSONValue], first: Int = 0, to writer: inout JSONWriter) {
        writer.key("images")
        writer.beginArray()
        for (place, blob) in blobs.enumerated() {
            writer.beginObject()
            writer.member("type", "image_url")
            writer.member("index", first + place)
            writer.key("image_url")
            writer.beginObject()
            var opening = JSONWriter()
            opening.string("data:\(type(blob));base64,")
            // The content is a JSON string already, megabytes of it perhaps: only its first quote goes.
            let url = Array(opening.take().dropLast()) + (blob["data"]?.raw.dropFirst() ?? [UInt8(ascii: "\"")])
            writer.member("url", .bytes(url))
            writer.endObject()
            writer.endObject()
        }
        writer.endArray()
    }

    /// Sound as OpenAI has it; the vendor's is raw, so its type goes along.
    static func writeAudio(_ blob: JSONValue, id: String, to writer: inout JSONWriter) {
        writer.key("audio")
        writer.beginObject()
        writer.member("id", id)
        writer.key("data")
        if let data = blob["data"] { writer.value(data) } else { writer.string("") }
        writer.member("transcript", "")
        writer.member("expires_at", 0)
        writer.member("mime_type", type(blob))
        writer.endObject()
    }

    private static func type(_ blob: JSONValue) -> String {
        String((blob["mimeType"]?.string ?? "application/octet-stream").prefix(100))
    }
}
