internal import Core
internal import JSON
internal import OpenAIAPI

/// Why an answer ended, in OpenAI's words and in Gemini's own.
enum GeminiEnd {
    /// Nil where the model came to nothing and another try may do better.
    static func reason(_ native: String, hasContent: Bool, hasCalls: Bool) -> FinishReason? {
        // The vendor has no reason of its own for calls.
        let ordinary = hasCalls ? FinishReason.toolCalls : .stop
        switch native {
        case "STOP": return ordinary
        case "MAX_TOKENS", "CONTINUATION": return .length
        case "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER", "NO_IMAGE", "MODEL_ARMOR", "ESCALATION":
            return .contentFilter
        case "OTHER": return hasContent ? ordinary : .contentFilter
        default: return hasContent ? ordinary : nil
        }
    }

    static func nothing(_ native: String) -> GatewayError {
        GatewayError(
            .upstreamError,
            "The model did not come to an answer.",
            source: .upstream,
            retry: .elsewhere,
            cause: "finish reason \(shown(native))"
        )
    }

    /// Why the prompt itself was refused; nil where it was not.
    static func block(_ root: JSONValue) -> String? {
        guard let reason = root["promptFeedback"]?.present("blockReason")?.string, !reason.isEmpty else { return nil }
        return shown(reason)
    }

    static func refusal(_ block: String) -> String { "The prompt was blocked: \(block)." }

    static func writeNative(_ native: String, to writer: inout JSONWriter) {
        writer.member("native_finish_reason", shown(native))
    }

    /// The vendor's words are capitals; anything else is not repeated.
    private static func shown(_ native: String) -> String {
        let isWord =
            native.utf8.count <= 64
            && native.utf8.allSatisfy { byte in
                (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || byte == UInt8(ascii: "_")
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            }
        return isWord ? native : "OTHER"
    }
}
