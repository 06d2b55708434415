import JSON
import State

/// What those who share an account are shown in place of what is the account's own.
enum SeedAnswers {
    static func empty(_ kind: SeedEmptiness) -> [UInt8] {
        let text: StaticString =
            switch kind {
            case .instructions:
                """
                {"object":"user_system_message_detail","enabled":false,"about_user_message":"",\
                "about_model_message":"","disabled_tools":[]}
                """
            case .memories: #"{"memories":[],"memory_max_tokens":2000,"memory_num_tokens":0}"#
            case .shared: #"{"items":[],"total":0,"limit":50,"offset":0,"has_missing_conversations":false}"#
            case .gizmos: #"{"gizmos":[]}"#
            case .items: #"{"items":[],"cursor":null}"#
            case .recent: #"{"list":{"title":"Recently Used","type":"recent","items":[],"cursor":null}}"#
            case .tasks: #"{"tasks":[],"cursor":null}"#
            case .plan: #"{"id":"","plan_type":"free","will_renew":false}"#
            case .none: ""
            }
        return text.withUTF8Buffer { unsafe Array($0) }
    }

    /// Somebody without a name, the same one at each visit.
    static func person(_ seed: String, now: Int) -> [UInt8] {
        let name = String(seed.prefix(12))
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("object", "user")
        writer.member("id", "user-\(seed.prefix(24))")
        writer.member("email", "\(name)@seed.invalid")
        writer.member("name", name)
        writer.key("picture")
        writer.null()
        writer.member("created", now)
        writer.key("phone_number")
        writer.null()
        writer.member("mfa_flag_enabled", false)
        writer.key("amr")
        writer.beginArray()
        writer.endArray()
        writer.key("groups")
        writer.beginArray()
        writer.endArray()
        writer.key("orgs")
        writer.beginObject()
        writer.member("object", "list")
        writer.key("data")
        writer.beginArray()
        writer.beginObject()
        writer.member("object", "organization")
        writer.member("id", "org-\(seed.prefix(24))")
        writer.member("title", "Personal")
        writer.member("personal", true)
        writer.member("is_default", true)
        writer.member("role", "owner")
        writer.endObject()
        writer.endArray()
        writer.endObject()
        writer.endObject()
        return writer.take()
    }

    /// A page of the seed's own conversations.
    static func list(_ all: [SeedConversation], query: MirrorQuery?) -> [UInt8] {
        let isArchived = query?["is_archived"] == "true"
        let offset = max(0, query?["offset"].flatMap { Int($0) } ?? 0)
        let limit = min(100, max(1, query?["limit"].flatMap { Int($0) } ?? 28))
        let shown = all.filter { $0.isArchived == isArchived && !$0.isTemporary }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("items")
        writer.beginArray()
        for conversation in shown.dropFirst(min(offset, shown.count)).prefix(limit) { write(conversation, &writer) }
        writer.endArray()
        writer.member("total", shown.count)
        writer.member("limit", limit)
        writer.member("offset", offset)
        writer.member("has_missing_conversations", false)
        writer.endObject()
        return writer.take()
    }

    private static func write(_ conversation: SeedConversation, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", conversation.id)
        writer.member("title", conversation.title.isEmpty ? "New chat" : conversation.title)
        writer.member("create_time", conversation.created)
        writer.member("update_time", conversation.updated)
        writer.key("gizmo_id")
        writer.null()
        writer.member("is_archived", conversation.isArchived)
        writer.endObject()
    }

    /// The site's answer about workspaces, in which nothing names the account's user any more; nothing where it cannot be
    /// read.
    static func accounts(_ body: [UInt8]) -> [UInt8]? {
        guard let document = try? JSONDocument(parsing: body), document.root.isObject else { return nil }
        var writer = JSONWriter()
        copy(document.root, into: &writer)
        return writer.take()
    }

    private static func copy(_ value: JSONValue, into writer: inout JSONWriter) {
        if value.isObject {
            writer.beginObject()
            for (name, member) in value.members {
                writer.key(name.string ?? "")
                switch member {
                case _ where name.equals("account_user_id"):
                    writer.string("user-chatgpt__\(value["account_id"]?.string ?? "")")
                case _ where name.equals("email") || name.equals("name") && member.isString: writer.null()
                default: copy(member, into: &writer)
                }
            }
            writer.endObject()
        } else if value.isArray {
            writer.beginArray()
            for element in value.elements { copy(element, into: &writer) }
            writer.endArray()
        } else {
            writer.value(value)
        }
    }
}
