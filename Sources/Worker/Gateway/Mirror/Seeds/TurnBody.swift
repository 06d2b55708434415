import JSON

/// The body of a turn as a visitor sent it.
struct TurnBody {
    let document: JSONDocument

    init?(_ bytes: [UInt8]) {
        guard let document = try? JSONDocument(parsing: bytes), document.root.isObject else { return nil }
        self.document = document
    }

    var conversation: String? { document.root["conversation_id"]?.string.flatMap { $0.isEmpty ? nil : $0 } }
    /// The page that the site may be told the visitor has open.
    var page: String? {
        conversation.flatMap { id in
            id.utf8.count <= 200 && id.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") } ? id : nil
        }
    }
    var model: String { document.root["model"]?.string ?? "auto" }
    var isTemporary: Bool { document.root["history_and_training_disabled"]?.bool ?? false }

    /// The same, leaving no trace in the account.
    var withoutHistory: [UInt8] { document.replacing([.set("history_and_training_disabled", .true)]) }
}
