internal import Core
internal import JSON
internal import OpenAIAPI

/// What the members of a request that only this site understands ask for, beside what all requests say.
struct ChatGPTAsk: Sendable {
    var model: ChatGPTModel
    var effort: String?
    /// Whether the turn leaves no trace in the account.
    var isTemporary: Bool
    /// The workspace that the client's header names.
    var workspace: String?
    /// The one that the body names, for an account whose credential names none.
    var bodyWorkspace: String?

    private static let mostHints = 8

    init(_ turn: Turn, _ settings: ChatGPTSettings) throws(GatewayError) {
        let root = turn.request.document.root
        model = ChatGPTModel(turn.model)
        effort = ChatGPTModel.effort(try ChatRequest(turn.request).effort)
        isTemporary = settings.isTemporary
        if let asked = root.present("history_disabled") {
            guard let flag = asked.bool else {
                throw .invalid("history_disabled", "'history_disabled' must be a boolean.")
            }
            isTemporary = flag
        }
        for hint in try Self.hints(root) where !model.hints.contains(hint) { model.hints.append(hint) }
        if let research = root.present("deep_research") {
            guard let wanted = research.bool else {
                throw .invalid("deep_research", "'deep_research' must be a boolean.")
            }
            if wanted, !model.hints.contains("research") { model.hints.append("research") }
        }
        if root.present("web_search_options") != nil, model.hints.isEmpty { model.hints = ["search"] }
        // The two exclude each other at the site.
        if model.hints.contains("research"), model.gizmo != nil {
            throw .invalid("model", "A GPT cannot do deep research: ask for one of the two.")
        }
        // Pictures are kept nowhere but in the account's history.
        if model.hints.contains("picture_v2") { isTemporary = false }
        if let header = turn.workspace {
            guard Self.isWorkspace(header) else {
                throw .invalid("ChatGPT-Account-ID", "'ChatGPT-Account-ID' must be the id of a workspace.")
            }
            workspace = header
        }
        bodyWorkspace = try Self.workspace(root)
    }

    private static func hints(_ root: JSONValue) throws(GatewayError) -> [String] {
        for name in ["system_hints", "hints"] as [StaticString] {
            guard let asked = root.present(name) else { continue }
            guard asked.isArray, asked.count <= mostHints else {
                throw .invalid("\(name)", "'\(name)' must be an array of at most \(mostHints) strings.")
            }
            var hints: [String] = []
            for (place, item) in asked.elements.enumerated() {
                guard let hint = item.string, !hint.isEmpty, hint.utf8.count <= 64 else {
                    throw .invalid("\(name)[\(place)]", "A hint must be a short string.")
                }
                hints.append(hint)
            }
            return hints
        }
        return []
    }

    private static func workspace(_ root: JSONValue) throws(GatewayError) -> String? {
        guard let named = root.present("Chatgpt-Account-Id") ?? root.present("ChatGPT-Account-ID") else { return nil }
        guard let id = named.string, isWorkspace(id) else {
            throw .invalid("Chatgpt-Account-Id", "'Chatgpt-Account-Id' must be the id of a workspace.")
        }
        return id
    }

    /// What may become a header.
    static func isWorkspace(_ id: String) -> Bool {
        (1...128).contains(id.utf8.count)
            && id.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
    }
}
