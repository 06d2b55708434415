internal import JSON
internal import OpenAIAPI

/// What must be gathered before a request can be translated: content that the vendor does not fetch, and what was kept
/// of earlier calls.
enum GeminiNeeds {
    static func of(_ request: ModelRequest, _ model: GeminiModel) -> Needs {
        var needs = Needs()
        // What cannot be read is refused when it is translated.
        guard mayNeed(request.document.root), let chat = try? ChatRequest(request) else { return needs }
        for message in chat.messages {
            for part in message.parts {
                guard let (url, parameter) = GeminiAttachment.url(of: part), GeminiAttachment.isFetched(url),
                    !needs.addresses.contains(where: { $0.url == url })
                else { continue }
                needs.addresses.append(Needs.Address(url: url, parameter: parameter))
            }
            guard model.hasSignatures else { continue }
            // Also where the client carries the signature: only what was kept tells for which account it is good.
            for call in message.toolCalls { needs.calls.append(call.id) }
        }
        return needs
    }

    /// Most requests are nothing but text, and need not be read twice.
    private static func mayNeed(_ root: JSONValue) -> Bool {
        guard let messages = root["messages"] else { return false }
        return messages.elements.contains {
            $0["content"]?.isArray == true || $0["tool_calls"] != nil || $0["function_call"] != nil
        }
    }
}
