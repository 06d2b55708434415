internal import Core
internal import JSON
internal import OpenAIAPI

/// Images, sounds and files of a request: by value, or by the few addresses that the vendor reads itself.
enum GeminiAttachment {
    /// The address a part has its content from, and the parameter that holds it; nil where it has none.
    static func url(of part: ContentPart) -> (url: String, parameter: String)? {
        switch part.kind {
        case .image(let url, _): return (url, part.path + ".image_url.url")
        case .file(let file):
            if let data = file.data { return (data, part.path + ".file.file_data") }
            if let id = file.id { return (id, part.path + ".file.file_id") }
            return nil
        case .text, .audio, .refusal, .other: return nil
        }
    }

    /// Whether the gateway must fetch what stands at the address.
    static func isFetched(_ url: String) -> Bool {
        let start = url.prefix(8).lowercased()
        return (start.hasPrefix("http://") || start.hasPrefix("https://")) && !isVendors(url)
    }

    /// Whether the vendor takes the address as it is: its own uploads, buckets and videos. It is said to fetch others for
    /// some models only, so those are fetched for it.
    private static func isVendors(_ url: String) -> Bool {
        if url.hasPrefix("gs://") || url.hasPrefix("files/") { return true }
        guard url.hasPrefix("https://") else { return false }
        let rest = url.dropFirst("https://".count)
        let host = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }.lowercased()
        switch host {
        case "www.youtube.com", "youtube.com", "youtu.be": return true
        case "generativelanguage.googleapis.com": return rest.contains("/files/")
        default: return false
        }
    }

    /// Writes the member of a part that holds the content, into an object that has been begun.
    static func write(
        _ url: String,
        _ parameter: String,
        type: String? = nil,
        _ job: Job,
        to writer: inout JSONWriter
    ) throws(GatewayError) {
        if let data = DataURL(url) {
            inline(type: data.mediaType, base64: Array(data.base64.utf8), to: &writer)
        } else if isVendors(url) {
            writer.key("fileData")
            writer.beginObject()
            if let type { writer.member("mimeType", type) }
            writer.member("fileUri", url)
            writer.endObject()
        } else if let file = job.materials.files[url] {
            inline(type: file.mediaType, base64: Base64.standard.encodeBytes(file.content), to: &writer)
        } else {
            throw .invalid(
                parameter,
                "'\(parameter)' must be an http:// or https:// address or a data: URL with base64 content."
            )
        }
    }

    /// `base64` consists of digits of that alphabet only.
    private static func inline(type: String, base64: [UInt8], to writer: inout JSONWriter) {
        writer.key("inlineData")
        writer.beginObject()
        writer.member("mimeType", type)
        writer.member("data", .bytes([UInt8(ascii: "\"")] + base64 + [UInt8(ascii: "\"")]))
        writer.endObject()
    }
}
