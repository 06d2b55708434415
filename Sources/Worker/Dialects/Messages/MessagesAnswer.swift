internal import Core
internal import JSON
internal import OpenAIAPI

/// Says a chat completion as a message of Anthropic's.
enum MessagesAnswer {
    static func write(_ completion: [UInt8], id: String, model: String) throws(GatewayError) -> [UInt8] {
        guard let root = try? JSONDocument(parsing: completion).root, let choice = root["choices"]?[0],
            let message = choice["message"]
        else {
            throw GatewayError(.upstreamInvalid, "The upstream's answer is not what was asked for.", source: .upstream)
        }
        var end = MessagesEnd()
        end.take(choice)
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("id", id)
            writer.member("type", "message")
            writer.member("role", "assistant")
            writer.member("model", root["model"]?.string ?? model)
            writer.array("content") { writeBlocks(message, &$0) }
            end.write(to: &writer)
            writer.object("usage") { write(TokenUsage(root["usage"]) ?? TokenUsage(), to: &$0) }
        }
        return writer.take()
    }

    /// Theirs counts what came from the cache and what went there apart.
    static func write(_ usage: TokenUsage, to writer: inout JSONWriter) {
        writer.member("input_tokens", max(0, usage.prompt - usage.cached - usage.cacheWrite))
        writer.member("cache_creation_input_tokens", usage.cacheWrite)
        writer.member("cache_read_input_tokens", usage.cached)
        writer.member("output_tokens", usage.completion)
    }

    private static func writeBlocks(_ message: JSONValue, _ writer: inout JSONWriter) {
        if let blocks = message.present("thinking_blocks"), blocks.count > 0 {
            for block in blocks.elements { writer.value(block) }
        } else if let reasoning = message.present("reasoning_content"), !reasoning.isEmptyString {
            writer.object { writer in
                writer.member("type", "thinking")
                writer.member("thinking", reasoning)
                writer.member("signature", "")
            }
        }
        for name in ["content", "refusal"] as [StaticString] {
            guard let text = message.present(name), text.isString, !text.isEmptyString else { continue }
            writer.object { writer in
                writer.member("type", "text")
                writer.member("text", text)
            }
        }
        guard let calls = message.present("tool_calls") else { return }
        for call in calls.elements {
            writer.object { writer in
                writer.member("type", "tool_use")
                writer.member("id", call["id"]?.string ?? "")
                writer.member("name", call["function"]?["name"]?.string ?? "")
                writer.member("input", object(call["function"]?["arguments"]?.string))
            }
        }
    }

    /// Arguments as an object, which theirs are; what a model wrote that is none is shown as it is.
    private static func object(_ arguments: String?) -> JSONFragment {
        let bytes = Array((arguments ?? "").utf8)
        if bytes.isEmpty { return .literal("{}") }
        if let document = try? JSONDocument(parsing: bytes), document.root.isObject {
            return .slice(document.root.raw)
        }
        var writer = JSONWriter()
        writer.object { $0.member("_arguments", arguments ?? "") }
        return .bytes(writer.take())
    }
}
