internal import Core
internal import JSON
internal import OpenAIAPI

/// Where the request wants the model's thoughts.
enum GrokThinking {
    /// `show_thinking` says so plainly; `thinking` is what clients of other vendors send.
    static func style(for request: ModelRequest, usually: ThinkingStyle) throws(GatewayError) -> ThinkingStyle {
        let root = request.document.root
        if let value = root.present("show_thinking") {
            if let shows = value.bool { return style(shows, usually) }
            guard let style = value.string.flatMap(ThinkingStyle.init(rawValue:)) else {
                throw .invalid(
                    "show_thinking",
                    "'show_thinking' must be true, false, 'reasoning_content', 'think_tag' or 'hidden'."
                )
            }
            return style
        }
        guard let value = root.present("thinking") else { return usually }
        if let shows = value.bool { return style(shows, usually) }
        switch value["type"]?.string {
        case "disabled": return .hidden
        case "enabled", "adaptive": return style(true, usually)
        default: return usually
        }
    }

    private static func style(_ shows: Bool, _ usually: ThinkingStyle) -> ThinkingStyle {
        guard shows else { return .hidden }
        return usually == .hidden ? .field : usually
    }
}
