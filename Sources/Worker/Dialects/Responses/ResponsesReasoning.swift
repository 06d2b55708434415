internal import Core
internal import JSON

/// The signed thoughts of a turn as `encrypted_content`, which clients without a stored answer carry from turn to turn.
enum ResponsesReasoning {
    static func seal(_ blocks: JSONFragment) -> String {
        var writer = JSONWriter()
        writer.raw(blocks)
        return Base64.standard.encode(writer.take())
    }

    /// Nil for what another server has sealed.
    static func open(_ sealed: String) -> JSONDocument? {
        guard let bytes = Base64.standard.decode(sealed), let document = try? JSONDocument(parsing: bytes),
            document.root.isArray
        else { return nil }
        return document
    }
}
