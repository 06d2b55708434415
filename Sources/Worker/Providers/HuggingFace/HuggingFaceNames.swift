/// What clients may call models for short.
enum HuggingFaceNames {
    static let sentences = "sentence-transformers"

    /// Beginnings of names that only one organisation uses.
    private static let owners: [(prefix: String, owner: String)] = [
        ("all-MiniLM-", sentences), ("all-mpnet-", sentences), ("all-distilroberta-", sentences),
        ("paraphrase-", sentences), ("multi-qa-", sentences), ("msmarco-", sentences), ("LaBSE", sentences),
        ("bge-", "BAAI"), ("e5-", "intfloat"), ("multilingual-e5-", "intfloat"), ("gte-", "thenlper"),
        ("nomic-embed-", "nomic-ai"), ("mxbai-embed-", "mixedbread-ai"), ("jina-embeddings-", "jinaai"),
    ]

    /// The model's id on the hub. `prefix` is the first segment of the public name, which has been cut off; everything
    /// behind it, slashes included, is the model's.
    static func id(_ name: String, prefix: String) -> String {
        if name.contains("/") { return name }
        if prefix == sentences { return "\(sentences)/\(name)" }
        guard let owner = owners.first(where: { name.hasPrefix($0.prefix) })?.owner else { return name }
        return "\(owner)/\(name)"
    }
}
