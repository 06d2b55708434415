internal import Core
internal import JSON
internal import OpenAIAPI

/// Images of a request: always by value, in bare base64.
enum OllamaImages {
    /// The addresses that must be fetched, because the vendor fetches none.
    static func needs(of request: ModelRequest) -> Needs {
        var needs = Needs()
        let messages = request.document.root["messages"]
        // Most requests are nothing but text, and need not be read twice; what cannot be read is refused later.
        guard messages?.elements.contains(where: { $0["content"]?.isArray == true }) == true,
            let chat = try? ChatRequest(request)
        else { return needs }
        for message in chat.messages {
            for part in message.parts {
                guard case .image(let url, _) = part.kind, AnthropicContent.isAddress(url),
                    !needs.addresses.contains(where: { $0.url == url })
                else { continue }
                needs.addresses.append(Needs.Address(url: url, parameter: part.path + ".image_url.url"))
            }
        }
        return needs
    }

    /// The content as a JSON string.
    static func base64(_ url: String, _ part: ContentPart, _ job: Job) throws(GatewayError) -> [UInt8] {
        let path = part.path + ".image_url.url"
        let quote = [UInt8(ascii: "\"")]
        if let data = DataURL(url) {
            guard data.mediaType.hasPrefix("image/") else { throw .notHere(path, "Ollama takes images only.") }
            return quote + Array(data.base64.utf8) + quote
        }
        guard let file = job.materials.files[url] else {
            throw .invalid(path, "An image must be an http(s) address or a data: URL in base64.")
        }
        return quote + Base64.standard.encodeBytes(file.content) + quote
    }
}
