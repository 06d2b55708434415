import JSON
import OpenAIAPI
import Providers

/// One line of the model list.
struct ModelEntry: Sendable, Equatable {
    var id: String
    var created = 0
    var owner: String
    /// What it can do, as far as its upstream says.
    var capabilities: [String] = []
    var contextLength: Int?
    var maxOutput: Int?
    /// What the provider is told in place of the id's name, where the two differ.
    var target: String?

    init(id: String, created: Int = 0, owner: String) {
        self.id = id
        self.created = created
        self.owner = owner
    }

    init(_ model: ListedModel, of provider: String) {
        self.init(id: "\(provider)/\(model.id)", created: model.created, owner: model.owner ?? provider)
        capabilities = model.capabilities
        contextLength = model.contextLength
        maxOutput = model.maxOutput
        target = model.target
    }

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", id)
        writer.member("object", "model")
        writer.member("created", created)
        writer.member("owned_by", owner)
        if !capabilities.isEmpty {
            writer.key("capabilities")
            writer.beginArray()
            for capability in capabilities { writer.string(capability) }
            writer.endArray()
        }
        if let contextLength { writer.member("context_length", contextLength) }
        if let maxOutput { writer.member("max_output_tokens", maxOutput) }
        if let target { writer.member("upstream_model", target) }
        writer.endObject()
    }

    /// Reads what `write` has written.
    init?(_ value: JSONValue) {
        guard let id = value["id"]?.string, let owner = value["owned_by"]?.string else { return nil }
        self.init(id: id, created: value["created"]?.int ?? 0, owner: owner)
        capabilities = value["capabilities"]?.elements.compactMap(\.string) ?? []
        contextLength = value["context_length"]?.int
        maxOutput = value["max_output_tokens"]?.int
        target = value["upstream_model"]?.string
    }
}

extension ModelEntry {
    static func bytes(_ entries: [ModelEntry]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginArray()
        for entry in entries { entry.write(to: &writer) }
        writer.endArray()
        return writer.take()
    }

    static func list(_ bytes: [UInt8]) -> [ModelEntry] {
        (try? JSONDocument(parsing: bytes))?.root.elements.compactMap { ModelEntry($0) } ?? []
    }
}
