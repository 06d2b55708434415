internal import JSON

extension SeedConversation {
    init?(id: String, record: [UInt8]) {
        guard let root = (try? JSONDocument(parsing: record))?.root, root.isObject else { return nil }
        self.init(
            id: id,
            account: root["account"]?.string ?? "",
            title: root["title"]?.string ?? "",
            created: root["created"]?.int ?? 0,
            updated: root["updated"]?.int ?? 0,
            isArchived: root["archived"]?.bool ?? false,
            isTemporary: root["temporary"]?.bool ?? false
        )
    }
}

extension SeedChange {
    var record: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        if let account { writer.member("account", account) }
        if let title { writer.member("title", title) }
        if let isArchived { writer.member("archived", isArchived) }
        if let isTemporary { writer.member("temporary", isTemporary) }
        writer.endObject()
        return writer.take()
    }
}
