internal import JSON

/// Reads the vendor's list of models.
enum GeminiListing {
    static func models(_ body: [UInt8]) -> [ListedModel]? {
        guard let document = try? JSONDocument(parsing: body), let list = document.root["models"], list.isArray else {
            return nil
        }
        return list.elements.compactMap(model)
    }

    /// Nil for what neither chats nor embeds: images, videos and answers with attributions have methods of their own.
    private static func model(_ item: JSONValue) -> ListedModel? {
        guard let name = item["name"]?.string else { return nil }
        let id = GeminiModel(name).name
        let methods = item["supportedGenerationMethods"]?.elements.compactMap { $0.string } ?? []
        var capabilities: [String] = []
        if methods.contains("generateContent") { capabilities.append("chat") }
        if methods.contains("embedContent") || methods.contains("batchEmbedContents") {
            capabilities.append("embeddings")
        }
        guard !id.isEmpty, !capabilities.isEmpty else { return nil }
        if item["thinking"]?.bool == true { capabilities.append("reasoning") }
        return ListedModel(
            id: id,
            owner: "google",
            capabilities: capabilities,
            contextLength: item["inputTokenLimit"]?.int,
            maxOutput: item["outputTokenLimit"]?.int
        )
    }
}
