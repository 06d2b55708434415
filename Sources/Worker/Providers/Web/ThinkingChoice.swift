package import Core
internal import JSON
package import OpenAIAPI

extension ThinkingStyle {
    /// The operator's choice for all web applications, `SHOW_THINKING`; `true` is what it was in gateways that know only tags.
    static func usual(_ settings: ProviderSettings) throws(ProviderProblem) -> ThinkingStyle {
        guard let text = settings.text(variable)?.lowercased() else { return .field }
        if let style = ThinkingStyle(rawValue: text) { return style }
        guard let shows = try? settings.flag(variable) else {
            throw ProviderProblem("\(variable) must be reasoning_content, think_tag, hidden, true or false")
        }
        return shows ? .tags : .hidden
    }

    static let variable = "SHOW_THINKING"

    /// Where a request wants the model's thoughts. `show_thinking` says so plainly; `thinking` is what clients of other vendors send.
    package static func wanted(by request: ModelRequest, usually: ThinkingStyle) throws(GatewayError) -> ThinkingStyle {
        let root = request.document.root
        if let value = root.present("show_thinking") {
            if let shows = value.bool { return chosen(shows, usually) }
            guard let style = value.string.flatMap(ThinkingStyle.init(rawValue:)) else {
                throw .invalid(
                    "show_thinking",
                    "'show_thinking' must be true, false, 'reasoning_content', 'think_tag' or 'hidden'."
                )
            }
            return style
        }
        guard let value = root.present("thinking") else { return usually }
        if let shows = value.bool { return chosen(shows, usually) }
        switch value["type"]?.string {
        case "disabled": return .hidden
        case "enabled", "adaptive": return chosen(true, usually)
        default: return usually
        }
    }

    private static func chosen(_ shows: Bool, _ usually: ThinkingStyle) -> ThinkingStyle {
        guard shows else { return .hidden }
        return usually == .hidden ? .field : usually
    }
}
