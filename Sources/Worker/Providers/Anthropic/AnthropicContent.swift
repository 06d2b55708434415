internal import Core
internal import JSON
internal import OpenAIAPI

/// Writes the parts of messages as the vendor's content blocks.
enum AnthropicContent {
    /// Nothing for a text of nothing but space, which the vendor refuses. `marker` is a `cache_control` that the part has
    /// from its message.
    static func block(_ part: ContentPart, _ job: Job, marker: JSONValue? = nil) throws(GatewayError) -> [UInt8]? {
        let marker = part.source.present("cache_control") ?? marker
        switch part.kind {
        case .text(let text), .refusal(let text): return self.text(text, marker: marker)
        case .image(let url, _): return try image(url, part, marker)
        case .audio:
            try job.refuse(part.path, "Anthropic's models take no audio.")
            return nil
        case .file(let file): return try AnthropicDocument.block(file, part, marker)
        case .other(let type):
            // The vendor's own blocks pass as they are.
            if isNative(type) { return Array(part.source.raw) }
            try job.refuse("\(part.path).type", "Anthropic has no content of type '\(type.prefix(64))'.")
            return nil
        }
    }

    static func text(_ text: JSONValue, marker: JSONValue? = nil) -> [UInt8]? {
        if isBlank(text) { return nil }
        return write("text", marker) { writer in
            writer.key("text")
            writer.value(text)
        }
    }

    static func text(_ text: String, marker: JSONValue? = nil) -> [UInt8] {
        write("text", marker) { $0.member("text", text) }
    }

    /// A block with its type first and the client's `cache_control` last.
    static func write(_ type: String, _ marker: JSONValue?, _ members: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("type", type)
        members(&writer)
        if let marker {
            writer.key("cache_control")
            writer.value(marker)
        }
        writer.endObject()
        return writer.take()
    }

    static func writeSource(_ mediaType: String, base64: Substring, to writer: inout JSONWriter) {
        writer.key("source")
        writer.beginObject()
        writer.member("type", "base64")
        writer.member("media_type", mediaType)
        writer.member("data", String(base64))
        writer.endObject()
    }

    static func writeSource(url: String, to writer: inout JSONWriter) {
        writer.key("source")
        writer.beginObject()
        writer.member("type", "url")
        writer.member("url", url)
        writer.endObject()
    }

    static func isAddress(_ url: String) -> Bool {
        let scheme = url.prefix(8).lowercased()
        return scheme.hasPrefix("http://") || scheme.hasPrefix("https://")
    }

    static let imageTypes = ["image/jpeg", "image/png", "image/gif", "image/webp"]

    private static func image(_ url: String, _ part: ContentPart, _ marker: JSONValue?) throws(GatewayError) -> [UInt8]
    {
        let path = "\(part.path).image_url.url"
        if isAddress(url) { return write("image", marker) { writeSource(url: url, to: &$0) } }
        guard let data = DataURL(url) else {
            throw .invalid(path, "An image must be an http(s) address or a data: URL in base64.")
        }
        // Some clients put every kind of file here.
        if data.mediaType == "application/pdf" {
            return write("document", marker) { writeSource(data.mediaType, base64: data.base64, to: &$0) }
        }
        guard imageTypes.contains(data.mediaType) else {
            throw .notHere(path, "Anthropic takes JPEG, PNG, GIF and WebP images.")
        }
        return write("image", marker) { writeSource(data.mediaType, base64: data.base64, to: &$0) }
    }

    private static func isNative(_ type: String) -> Bool {
        ["document", "image", "search_result", "container_upload", "server_tool_use", "mcp_tool_use"].contains(type)
            || type.hasSuffix("_tool_result")
    }

    /// Whether a string holds nothing but space, in whatever spelling; it is not decoded for that.
    static func isBlank(_ text: JSONValue) -> Bool {
        var bytes = text.raw.dropFirst().dropLast()
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: " "): continue
            case UInt8(ascii: "\\"):
                guard let escaped = bytes.popFirst(), "ntr".utf8.contains(escaped) else { return false }
            default: return false
            }
        }
        return true
    }
}
