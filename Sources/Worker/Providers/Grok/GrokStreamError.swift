internal import Core
internal import JSON
internal import OpenAIAPI

/// A failure that the application tells inside an answer: words, a severity, and one member that says what it is about.
struct GrokStreamError {
    /// Something beside the answer failed, a tool perhaps: what was said stands, and more may follow.
    let isBeside: Bool
    let error: GatewayError

    init(_ value: JSONValue) {
        let kind = Self.kinds.first { kind in value.present(kind) != nil }
        var details = FailureDetails(nil)
        details.message = (value.string ?? value["message"]?.string).flatMap(FailureDetails.presentable)
        isBeside = kind.map { Self.beside.contains("\($0)") } ?? false
        var error = Self.error(kind.map { "\($0)" } ?? Self.guess(details.message), details)
        if value["severity"]?.equals("STREAM_ERROR_SEVERITY_FATAL") == true { error.retry = .no }
        error.cause = "stream error \(kind.map { "\($0)" } ?? "unknown")"
        self.error = error
    }

    private static let kinds: [StaticString] = [
        "globalRateLimit", "usageLimitReached", "usagePoolExhausted", "concurrencyLimit", "modelNotAvailable",
        "systemKillSwitch", "beyondContextLength", "userPromptTooLong", "contentModerated", "attachmentModerated",
        "attachmentImageTooLarge", "attachmentFileTooLarge", "attachmentTooManyPages", "attachmentLoadFailed",
        "renderToolFailed", "renderToolRateLimited", "renderPerMessageLimitExceeded", "toolCallFailed", "internalError",
        "requestCancelled",
    ]

    private static let beside: Set<String> = [
        "renderToolFailed", "renderToolRateLimited", "renderPerMessageLimitExceeded", "toolCallFailed",
    ]

    /// What words alone are about.
    private static func guess(_ message: String?) -> String {
        let words = message?.lowercased() ?? ""
        if words.contains("admission denied") { return "modelNotAvailable" }
        if words.contains("usage limit") || words.contains("too many requests") || words.contains("rate limit") {
            return "globalRateLimit"
        }
        if words.contains("resourceexhausted") { return "modelNotAvailable" }
        if words.contains("moderat") { return "contentModerated" }
        return ""
    }

    private static func error(_ kind: String, _ details: FailureDetails) -> GatewayError {
        switch kind {
        case "globalRateLimit", "usageLimitReached", "usagePoolExhausted": return GrokFailure.limited
        case "concurrencyLimit":
            var error = GrokFailure.limited
            error.retryAfter = 10
            return error
        case "modelNotAvailable", "systemKillSwitch":
            var error = GatewayError(
                .upstreamOverloaded,
                "The model is not available at the moment.",
                source: .upstream,
                retry: .elsewhere
            )
            // This model on this account rests, and not for long.
            error.retryAfter = 30
            error.failureClass = .rateLimited
            return error
        case "beyondContextLength", "userPromptTooLong":
            return .invalid(
                "messages",
                "The conversation is longer than this model takes.",
                code: .contextLengthExceeded
            )
        case "contentModerated":
            return .invalid("messages", "The upstream's moderation does not allow this.", code: .contentFilter)
        case "attachmentModerated":
            return .invalid("messages", "The upstream's moderation does not allow this file.", code: .contentFilter)
        case "attachmentImageTooLarge", "attachmentFileTooLarge":
            return .invalid("messages", "A file is larger than the upstream takes.", code: .invalidFile)
        case "attachmentTooManyPages":
            return .invalid("messages", "A file has more pages than the upstream takes.", code: .invalidFile)
        case "attachmentLoadFailed":
            return .invalid("messages", "The upstream cannot read a file.", code: .invalidFile)
        default:
            var error = GatewayError(
                .upstreamError,
                "The upstream reported an error.",
                source: .upstream,
                retry: .elsewhere
            )
            error.failureClass = .failing
            return error
        }
    }
}
