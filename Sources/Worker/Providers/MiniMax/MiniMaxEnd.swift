internal import Core
internal import JSON
internal import OpenAIAPI

/// What an answer says of its end.
enum MiniMaxEnd {
    /// `isCut` says that the vendor's censor has stepped in.
    static func reason(_ native: JSONValue?, hasCalls: Bool, isCut: Bool) -> FinishReason {
        if isCut { return .contentFilter }
        switch native?.string {
        case "length", "max_tokens": return .length
        case "content_filter": return .contentFilter
        default: return hasCalls ? .toolCalls : .stop
        }
    }

    static func isSensitive(_ root: JSONValue) -> Bool { root["output_sensitive"]?.bool == true }

    /// The censor's findings, where there are any.
    static func writeFlags(_ root: JSONValue, to writer: inout JSONWriter) {
        for name in ["input_sensitive", "output_sensitive"] as [StaticString] where root[name]?.bool == true {
            writer.member(name, true)
        }
        for name in ["input_sensitive_type", "output_sensitive_type"] as [StaticString] {
            if let type = root[name]?.int, type != 0 { writer.member(name, type) }
        }
    }
}

/// The usage that is one: running chunks carry a total of nothing as a placeholder.
enum MiniMaxUsage {
    static func read(_ value: JSONValue?) -> TokenUsage? {
        guard var usage = TokenUsage(value) else { return nil }
        if usage.total > 0 { return usage }
        guard let total = value?["total_tokens"]?.int, total > 0 else { return nil }
        // The oldest models tell the total alone; more than that is not known, and not made up.
        usage.prompt = min(total, 1 << 40)
        return usage
    }
}

/// What an answer calls itself.
struct MiniMaxNames {
    let id: String
    let model: String
    let created: Int

    init(_ root: JSONValue, model: String, now: Int) {
        let id = root["id"]?.string ?? ""
        self.id = id.isEmpty || id.utf8.count > 128 ? "chatcmpl-\(now)" : id
        let name = root["model"]?.string ?? ""
        self.model = name.isEmpty || name.utf8.count > 256 ? model : name
        created = root["created"]?.int.flatMap { $0 > 0 ? $0 : nil } ?? now
    }
}
