internal import Core
internal import JSON
internal import OpenAIAPI

/// What the site's refusals mean, whether they come as a status or inside of an answer.
enum ChatGPTFailure {
    /// What pages that check for a browser have in them.
    private static let challenges = ["cf_chl_opt", "cf-please-wait", "challenge-platform", "Just a moment"]
    private static let deadTokens = [
        "token_invalidated", "token_revoked", "token_expired", "invalid_jwt", "invalid_api_key", "account_deactivated",
    ]
    private static let lostConversations = [
        "history_disabled_conversation_not_found", "history_disabled_conversation_expired", "conversation_not_found",
        "conversation_deleted", "conversation_inaccessible",
    ]
    private static let limits = ["model_cap_exceeded", "work_usage_limit_exceeded", "usage_limit_exceeded"]

    static func make(_ answer: FailedAnswer) -> GatewayError {
        let told = Told(answer.body)
        var error = make(status: answer.status, told, answer)
        if error.retryAfter == nil { error.retryAfter = UpstreamFailure.seconds(answer) }
        error.cause = "status \(answer.status)" + (told.code.map { ", " + $0 } ?? "")
        return error
    }

    /// An error that comes in an answer that claims success.
    static func make(told text: String, code: String?) -> GatewayError {
        var told = Told([])
        (told.text, told.code) = (text, code)
        var error = make(status: 200, told, FailedAnswer(status: 200, body: []))
        error.cause = "error event" + (code.map { ", " + String($0.prefix(80)) } ?? "")
        return error
    }

    private static func make(status: Int, _ told: Told, _ answer: FailedAnswer) -> GatewayError {
        if told.isPage { return page(status, told) }
        if let code = told.code {
            if deadTokens.contains(code) { return .tokenRefused }
            if limits.contains(code) { return limit(told) }
            if lostConversations.contains(code) { return .conversationUnavailable("the upstream no longer has it") }
            if code == "conversation_too_large" {
                return refused(.contextLengthExceeded, told, "The conversation is too long for the upstream.")
            }
            if code.contains("content_policy") || code.contains("content_filter") {
                return refused(.contentFilter, told, "The upstream will not speak of this.")
            }
            if code == "model_not_found" { return unknownModel(told) }
        }
        if told.isUnusual { return .checkRequired("it finds the activity unusual") }
        if told.isLimit { return limit(told) }
        switch status {
        case 200: return upstream(.upstreamError, "The upstream reported an error.", .failing)
        case 400, 405, 411, 414, 415, 431: return refused(.invalidRequest, told, "The upstream refused the request.")
        case 401: return .tokenRefused
        case 402: return upstream(.insufficientQuota, "The upstream account has no quota left.", .quotaExhausted)
        case 403: return upstream(.upstreamBlocked, "The upstream does not let this request in.", .modelForbidden)
        case 404:
            return told.isAboutConversation
                ? .conversationUnavailable("the upstream does not know it") : unknownModel(told)
        case 408, 504: return upstream(.upstreamTimeout, "The upstream took too long.", .failing)
        case 409, 425: return refused(.conflict, told, "The upstream reports a conflict.")
        case 410: return upstream(.upstreamError, "The rest of the answer cannot be had any more.", .none)
        case 413: return refused(.bodyTooLarge, told, "The upstream finds the request too large.")
        // Not the client's words but ours: the site has changed, or a name is unknown to it.
        case 422: return refused(.unprocessable, told, "The upstream cannot process the request.")
        case 429: return limit(told)
        case 503: return upstream(.upstreamOverloaded, "The upstream is overloaded.", .failing)
        default: return upstream(.upstreamError, "The upstream failed.", .failing)
        }
    }

    /// A page in place of an answer comes from what stands in front of the site.
    private static func page(_ status: Int, _ told: Told) -> GatewayError {
        if status >= 500, !told.isChallenge { return upstream(.upstreamError, "The upstream failed.", .failing) }
        let words = told.isChallenge ? "a check for browsers" : "something in front of the upstream"
        return upstream(
            .upstreamBlocked,
            "The upstream cannot be reached from here: \(words) is in the way.",
            .egressBlocked
        )
    }

    private static func limit(_ told: Told) -> GatewayError {
        var error = upstream(
            .rateLimitExceeded,
            "The upstream account's limit for this model is reached.",
            .rateLimited
        )
        if told.isBusy { error.message = "The upstream account is busy with another message." }
        error.retryAfter = told.clearsIn ?? (told.isBusy ? 2 : nil)
        error.upstreamCode = told.code
        return error
    }

    private static func unknownModel(_ told: Told) -> GatewayError {
        var error = refused(.modelNotFound, told, "The upstream does not offer this model to this account.")
        error.retry = .elsewhere
        return error
    }

    private static func upstream(
        _ code: GatewayError.Code,
        _ message: String,
        _ failureClass: FailureClass
    ) -> GatewayError {
        var error = GatewayError(code, message, source: .upstream, retry: .elsewhere)
        error.failureClass = failureClass
        return error
    }

    private static func refused(_ code: GatewayError.Code, _ told: Told, _ fallback: String) -> GatewayError {
        let words = told.text.isEmpty ? nil : FailureDetails.presentable(told.text)
        var error = GatewayError(code, words ?? fallback, source: .client)
        error.upstreamCode = told.code
        return error
    }

    /// What the site said of its reasons.
    private struct Told {
        var text = ""
        var code: String?
        var clearsIn: Int?
        var isPage = false
        var isChallenge = false

        init(_ body: [UInt8]) {
            guard body.count <= 1 << 20 else { return }
            guard let root = (try? JSONDocument(parsing: body))?.root else {
                isPage = body.first { $0 > UInt8(ascii: " ") } == UInt8(ascii: "<")
                let text = String(decoding: body, as: UTF8.self)
                isChallenge = isPage && challenges.contains { text.contains($0) }
                return
            }
            let detail = root.present("detail") ?? root.present("error") ?? root
            text = detail.string ?? detail["message"]?.string ?? ""
            if let code = detail["code"]?.string ?? root["code"]?.string, code.utf8.count <= 80 {
                self.code = Redaction.redact(code)
            }
            if let seconds = (detail["clears_in"] ?? detail["resets_after"])?.double, seconds > 0, seconds < 1e7 {
                clearsIn = Int(seconds.rounded(.up))
            }
        }

        private func says(_ words: String...) -> Bool {
            let text = text.lowercased()
            return words.contains { text.contains($0) }
        }

        var isUnusual: Bool { says("unusual activity") }
        var isBusy: Bool { says("only one message at a time") }
        var isLimit: Bool { isBusy || says("too many messages", "too many requests", "rate limit", "plan limit") }
        var isAboutConversation: Bool { says("conversation") }
    }
}
