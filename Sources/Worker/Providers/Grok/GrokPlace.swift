internal import JSON

/// Where a conversation stands at the application: its id, and that of the last answer.
struct GrokPlace: Sendable, Equatable {
    var conversation: String
    var response: String

    init(conversation: String, response: String) {
        self.conversation = conversation
        self.response = response
    }

    /// As an earlier turn has left it.
    init?(_ state: [UInt8]) {
        guard let document = try? JSONDocument(parsing: state),
            let conversation = Self.id(document.root["conversationId"]),
            let response = Self.id(document.root["responseId"])
        else { return nil }
        self.init(conversation: conversation, response: response)
    }

    var state: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("conversationId", conversation)
        writer.member("responseId", response)
        writer.endObject()
        return writer.take()
    }

    /// An id that the application has given, if it looks like one.
    static func id(_ value: JSONValue?) -> String? {
        guard let text = value?.string, !text.isEmpty, text.utf8.count <= 256 else { return nil }
        return text
    }
}
