internal import JSON

/// Reads Anthropic's list of models.
enum AnthropicListing {
    static func models(_ body: [UInt8]) -> [ListedModel]? {
        guard let document = try? JSONDocument(parsing: body), let data = document.root["data"], data.isArray else {
            return nil
        }
        return data.elements.compactMap { item in
            guard let id = item["id"]?.string, !id.isEmpty else { return nil }
            return ListedModel(
                id: id,
                created: item["created_at"]?.string.flatMap(RFC3339.seconds) ?? 0,
                owner: "anthropic",
                capabilities: capabilities(item["capabilities"], id),
                contextLength: item["max_input_tokens"]?.int,
                maxOutput: item["max_tokens"]?.int
            )
        }
    }

    /// All of them chat and call tools; the rest is told where the list is recent enough to tell.
    private static func capabilities(_ told: JSONValue?, _ id: String) -> [String] {
        var all = ["chat", "tools"]
        if has(told?["image_input"]) ?? true { all.append("vision") }
        if has(told?["thinking"]) ?? (AnthropicModel(id).version >= 307) { all.append("reasoning") }
        return all
    }

    private static func has(_ capability: JSONValue?) -> Bool? {
        capability?.bool ?? capability?["supported"]?.bool
    }
}
