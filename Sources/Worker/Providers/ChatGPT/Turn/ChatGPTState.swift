internal import JSON

/// What a conversation goes on from.
struct ChatGPTState: Sendable, Equatable {
    var conversation: String
    /// The message that the next one answers.
    var parent: String
    /// It is taken out of the account when its turn is over: nothing goes on from it there.
    var isDeleted = false

    init(conversation: String, parent: String, isDeleted: Bool = false) {
        self.conversation = conversation
        self.parent = parent
        self.isDeleted = isDeleted
    }

    init?(_ bytes: [UInt8]) {
        guard let root = (try? JSONDocument(parsing: bytes))?.root, let conversation = root["conversation"]?.string,
            let parent = root["parent"]?.string
        else { return nil }
        self.init(conversation: conversation, parent: parent, isDeleted: root["deleted"]?.bool ?? false)
    }

    var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("conversation", conversation)
        writer.member("parent", parent)
        if isDeleted { writer.member("deleted", true) }
        writer.endObject()
        return writer.take()
    }
}
