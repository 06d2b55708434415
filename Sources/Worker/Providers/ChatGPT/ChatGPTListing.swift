internal import JSON

/// The site's list of models.
enum ChatGPTListing {
    static func models(_ body: [UInt8]) -> [ListedModel]? {
        guard let root = (try? JSONDocument(parsing: body))?.root, let models = root["models"], models.isArray else {
            return nil
        }
        return models.elements.compactMap { model in
            guard let slug = model["slug"]?.string, !slug.isEmpty, slug.utf8.count <= 200 else { return nil }
            var listed = ListedModel(id: slug, owner: "chatgpt")
            listed.capabilities = ["chat"]
            if let tokens = model["max_tokens"]?.int, tokens > 0 { listed.contextLength = tokens }
            return listed
        }
    }
}
