/// Why an answer ended, in the only words that strict clients of the OpenAI dialect know.
package enum FinishReason: String, Sendable {
    case stop
    case length
    case toolCalls = "tool_calls"
    case contentFilter = "content_filter"
    /// What `toolCalls` was called before there were tools; only for clients that ask in the old words.
    case functionCall = "function_call"
}
