internal import Core
internal import JSON
internal import OpenAIAPI

/// What Anthropic's unsuccessful answers mean beyond what statuses say everywhere.
enum AnthropicFailure {
    static func make(_ answer: FailedAnswer) -> GatewayError {
        var error = UpstreamFailure.make(answer)
        let body = answer.body.count <= 1 << 20 ? try? JSONDocument(parsing: answer.body) : nil
        refine(&error, answer.status, body?.root["error"])
        // A limit without a time at which it ends is one that waiting does not lift. What it means for the account stays
        // the shorter rest: a proxy may have lost the time.
        if error.code == .rateLimitExceeded, answer.retryAfter == nil, body?.root.present("error") != nil {
            error.code = .insufficientQuota
        }
        return error
    }

    /// An error event of a stream, or an error in an answer that claims success.
    static func make(event: JSONValue) -> GatewayError {
        let status = status(of: event["error"]?["type"])
        var error = UpstreamFailure.make(FailedAnswer(status: status, body: Array(event.raw)))
        refine(&error, status, event["error"])
        error.cause = "error event"
        return error
    }

    /// The status that goes with each type of error.
    private static func status(of type: JSONValue?) -> Int {
        switch type?.string {
        case "invalid_request_error": 400
        case "authentication_error": 401
        case "billing_error": 402
        case "permission_error": 403
        case "not_found_error": 404
        case "request_too_large": 413
        case "rate_limit_error": 429
        case "timeout_error": 504
        case "overloaded_error": 529
        default: 500
        }
    }

    private static func refine(_ error: inout GatewayError, _ status: Int, _ details: JSONValue?) {
        // OpenAI's clients know OpenAI's types.
        error.upstreamType = nil
        if status == 429, details?["details"]?["error_code"]?.equals("enforced_spend_limit_reached") == true {
            error = exhausted(error)
        }
        guard status == 400, let message = details?["message"]?.string else { return }
        if message.hasPrefix("prompt is too long") || message.contains("exceed context limit") {
            error.code = .contextLengthExceeded
        } else if message.hasPrefix("Your credit balance is too low") || message.contains("API usage limits") {
            // The operator's money, in the words of a client's mistake.
            error = exhausted(error)
        } else if error.parameter == nil {
            error.parameter = parameter(message)
        }
    }

    private static func exhausted(_ error: GatewayError) -> GatewayError {
        var exhausted = GatewayError(
            .insufficientQuota,
            "The upstream account has no quota left.",
            source: .upstream,
            retry: .elsewhere,
            retryAfter: error.retryAfter,
            cause: error.cause
        )
        exhausted.failureClass = .quotaExhausted
        return exhausted
    }

    /// Messages begin with the path of what is wrong, in the vendor's names and in its order of the messages, of which the
    /// client knows the first part at most.
    private static func parameter(_ message: String) -> String? {
        guard let colon = message.firstIndex(of: ":") else { return nil }
        switch message[..<colon].prefix(while: { $0 != "." }) {
        case "messages", "system": return "messages"
        case "tools": return "tools"
        case "tool_choice": return "tool_choice"
        case "stop_sequences": return "stop"
        case "max_tokens": return "max_tokens"
        case "temperature": return "temperature"
        case "top_p": return "top_p"
        case "top_k": return "top_k"
        case "thinking": return "reasoning_effort"
        case "output_config": return "response_format"
        case "metadata": return "user"
        case "model": return "model"
        default: return nil
        }
    }
}
