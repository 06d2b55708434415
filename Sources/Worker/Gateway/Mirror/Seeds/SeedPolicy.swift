import Core
import HTTPCodec

/// What somebody who shares an account gets for a path: a pure function, and the one place where it is decided.
///
/// Answers for single paths come first, then what is closed, then what is known to be harmless. What is left is forwarded only
/// where the operator has said so, since nobody knows what else of an account the site may show at a path of tomorrow.
enum SeedVerdict: Equatable {
    /// Goes to the site; ids of conversations in query and body must be the seed's own.
    case forward
    /// Begins a conversation or goes on with one.
    case turn
    /// About the conversation of this id, which must be the seed's own. `isWhole` where it is not about a part of it.
    case conversation(id: String, isWhole: Bool)
    /// The title that the site finds for a conversation.
    case title(id: String)
    /// The seed's own conversations.
    case list
    case person
    case accounts
    case empty(SeedEmptiness)
    case closed
}

/// What is shown in place of what is the account's own.
enum SeedEmptiness: CaseIterable {
    case instructions, memories, shared, gizmos, items, recent, tasks, plan
    /// Nothing at all.
    case none
}

enum SeedPolicy {
    static func verdict(_ path: MirrorPath, _ method: HTTPMethod, _ reach: Configuration.Mirror.Reach) -> SeedVerdict {
        if method == .options { return .forward }
        if path.base == .open { return open(path, method) }
        let isRead = method == .get || method == .head
        if isRead, let answer = read(path) { return answer }
        if path.words.first == "conversation" { return conversation(path, method, from: 1) }
        if path.begins(with: ["f", "conversation"]) { return conversation(path, method, from: 2) }
        if path.words == ["edge"] { return .empty(.none) }
        if closed.contains(where: { path.begins(with: $0) }) { return .closed }
        if reach == .all { return .forward }
        return known(path, isRead: isRead) ? .forward : .closed
    }

    private static func open(_ path: MirrorPath, _ method: HTTPMethod) -> SeedVerdict {
        if path.begins(with: ["gizmos", "discovery", "recent"]) { return .empty(.recent) }
        if path.begins(with: ["gizmos", "discovery", "mine"]) { return .closed }
        return method == .get || method == .head ? .forward : .closed
    }

    /// What is answered here, whatever the account has.
    private static func read(_ path: MirrorPath) -> SeedVerdict? {
        switch path.words {
        case ["me"]: .person
        case ["accounts", "check", "v4-2023-04-27"]: .accounts
        case ["conversations"]: .list
        case ["user_system_messages"]: .empty(.instructions)
        case ["memories"]: .empty(.memories)
        case ["shared_conversations"]: .empty(.shared)
        case ["gizmos", "bootstrap"]: .empty(.gizmos)
        case ["gizmos", "pinned"], ["gizmos", "snorlax", "sidebar"]: .empty(.items)
        case ["tasks"]: .empty(.tasks)
        case ["subscriptions"]: .empty(.plan)
        default: nil
        }
    }

    /// Words that stand where the id of a conversation might.
    private static let notIDs: Set<String> = [
        "init", "prepare", "resume", "message_feedback", "implicit_message_feedback",
    ]

    private static func conversation(_ path: MirrorPath, _ method: HTTPMethod, from start: Int) -> SeedVerdict {
        let rest = Array(path.words.dropFirst(start))
        guard let first = rest.first else { return method == .post ? .turn : .closed }
        if first == "gen_title" {
            return rest.count == 2 ? .title(id: path.segments[start + 1]) : .closed
        }
        if notIDs.contains(first) {
            guard rest.count == 1, method == .post else { return .closed }
            return first == "resume" ? .turn : .forward
        }
        return .conversation(id: path.segments[start], isWhole: rest.count == 1)
    }

    /// Shows or changes what is the account's, or what others have done with it.
    private static let closed: [[String]] = [
        ["accounts"], ["payments"], ["subscriptions"], ["user_system_messages"], ["memories"],
        ["settings", "account_user_setting"],
        ["settings", "clear_account_user_memory"], ["shared_conversations"], ["connectors"], ["gizmos"],
        ["gizmo_creator_profile"], ["conversations"], ["tasks"], ["admin"], ["me"],
        // Tells of all that happens in the account, as it happens.
        ["celsius"], ["register-websocket"],
        // Lists of what all have said, had drawn or put there.
        ["my"], ["share"], ["calpico"], ["projects"], ["search"], ["library"], ["files", "library"], ["pins"],
    ]

    private static let harmless: [[String]] = [
        ["models"], ["model_icons"], ["sentinel"], ["system_hints"], ["prompt_library"], ["client"], ["compliance"],
        ["lat"], ["synthesize"], ["estuary", "content"],
    ]

    private static func known(_ path: MirrorPath, isRead: Bool) -> Bool {
        if path.words == ["files"] { return !isRead }
        if path.words.first == "files" { return path.words.count > 1 }
        if path.words == ["settings", "user"] { return isRead }
        if path.words == ["transcribe"] { return !isRead }
        return harmless.contains { path.begins(with: $0) }
    }
}
