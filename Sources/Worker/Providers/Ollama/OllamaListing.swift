internal import JSON

/// Reads the list of the models that a server has at hand.
enum OllamaListing {
    static func models(_ body: [UInt8]) -> [ListedModel]? {
        guard let document = try? JSONDocument(parsing: body), let list = document.root["models"], list.isArray else {
            return nil
        }
        return list.elements.compactMap { item in
            guard let id = item["model"]?.string ?? item["name"]?.string, !id.isEmpty else { return nil }
            return ListedModel(
                id: id,
                created: item["modified_at"]?.string.flatMap { RFC3339.seconds($0) } ?? 0,
                owner: "library",
                capabilities: item["capabilities"]?.elements.compactMap { capability($0) } ?? []
            )
        }
    }

    private static func capability(_ value: JSONValue) -> String? {
        switch value.string {
        case "completion": "chat"
        case "embedding": "embeddings"
        case "thinking": "reasoning"
        case "tools": "tools"
        case "vision": "vision"
        case "audio": "audio"
        default: nil
        }
    }
}
