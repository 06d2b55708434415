internal import Core
internal import JSON
internal import OpenAIAPI

/// The reasoning of earlier turns, which the vendor wants back unchanged with the calls it led to.
enum AnthropicReasoning {
    /// The first calls of the turns whose reasoning the client does not carry.
    static func callsWithout(_ root: JSONValue) -> [String] {
        guard let messages = root["messages"] else { return [] }
        var calls: [String] = []
        for message in messages.elements where message["role"]?.equals("assistant") == true {
            guard let call = message["tool_calls"]?[0]?["id"]?.string, !call.isEmpty, carried(by: message) == nil else {
                continue
            }
            calls.append(call)
        }
        return calls
    }

    /// The reasoning that a message of the client carries as blocks; nil where it has none, or not all of it.
    ///
    /// Streams give the signature in `thinking_blocks` and the text in `reasoning_content`, so one block may lack its text.
    static func carried(by message: JSONValue) -> [[UInt8]]? {
        guard let list = message.present("thinking_blocks") ?? inContent(of: message), list.isArray else { return nil }
        var blocks: [[UInt8]] = []
        for block in list.elements {
            if block["type"]?.equals("redacted_thinking") == true {
                guard let data = block["data"], data.isString else { return nil }
                blocks.append(redacted(data.raw))
            } else if block["type"]?.equals("thinking") == true {
                guard let signature = block["signature"], signature.isString, !signature.isEmptyString else {
                    return nil
                }
                if let text = block["thinking"], text.isString {
                    blocks.append(thinking(text.raw, signature: signature.raw))
                } else {
                    let count = list.elements.reduce(0) { $0 + ($1["type"]?.equals("thinking") == true ? 1 : 0) }
                    guard count == 1 else { return nil }
                    let text = message.present("reasoning_content") ?? message.present("reasoning")
                    guard text?.isString ?? true else { return nil }
                    blocks.append(thinking(text?.raw ?? Array("\"\"".utf8)[...], signature: signature.raw))
                }
            }
        }
        return blocks.isEmpty ? nil : blocks
    }

    /// Both texts as JSON strings, quotes included.
    static func thinking(_ text: ArraySlice<UInt8>, signature: ArraySlice<UInt8>) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("type", "thinking")
        writer.member("thinking", .slice(text))
        writer.member("signature", .slice(signature))
        writer.endObject()
        return writer.take()
    }

    static func redacted(_ data: ArraySlice<UInt8>) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("type", "redacted_thinking")
        writer.member("data", .slice(data))
        writer.endObject()
        return writer.take()
    }

    /// Some clients keep the vendor's blocks among the parts of the content.
    private static func inContent(of message: JSONValue) -> JSONValue? {
        guard let content = message["content"], content.isArray,
            content.elements.contains(where: { isThinking($0) })
        else { return nil }
        return content
    }

    static func isThinking(_ part: JSONValue) -> Bool {
        part["type"]?.equals("thinking") == true || part["type"]?.equals("redacted_thinking") == true
    }
}
