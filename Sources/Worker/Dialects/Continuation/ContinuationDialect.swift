package import Core
internal import JSON
package import OpenAIAPI

/// One message to a conversation that is kept here, as Grok2API's clients send it to `/v1/responses`: a name and the message,
/// no history. It lives beside OpenAI's Responses API, whose requests have an `input`.
package enum ContinuationRequest {
    /// Whether the body is of this kind.
    package static func isOne(_ body: [UInt8]) -> Bool {
        guard let root = (try? JSONDocument(parsing: body))?.root, root.present("input") == nil else { return false }
        return root["message"] != nil || root["conversation_id"] != nil
    }

    package static func chat(_ body: [UInt8]) throws(GatewayError) -> ModelRequest {
        let root = try ModelRequest.parse(body).root
        let id = root.present("conversation_id")?.string ?? ""
        guard id.contains(where: { !$0.isWhitespace }) else {
            throw .invalid(
                "conversation_id",
                "You must provide the conversation_id of an earlier answer.",
                code: .missingConversationID
            )
        }
        guard let message = root.present("message"),
            message.string.map({ $0.contains { !$0.isWhitespace } }) ?? (message.isArray && message.count > 0)
        else {
            throw .invalid("message", "'message' must be a text or a list of parts.", code: .missingParameter)
        }
        var writer = JSONWriter()
        writer.object { writer in
            if root.present("model") == nil { writer.member("model", "grok-4.2") }
            for (key, value) in root.members {
                guard let name = key.string, name != "message" else { continue }
                writer.key(name)
                writer.value(value)
            }
            writer.array("messages") { writer in
                writer.object { writer in
                    writer.member("role", "user")
                    writer.member("content", message)
                }
            }
        }
        return try ModelRequest(.chat, body: writer.take())
    }
}

/// The whole answer to such a message; its stream is that of a chat, under another name.
package struct ContinuationDialect: Dialect {
    private let id: String

    package init(id: String) { self.id = id }

    package func answer(_ completion: [UInt8]) throws(GatewayError) -> [UInt8] {
        guard let root = (try? JSONDocument(parsing: completion))?.root else {
            throw GatewayError(.internalError, "The answer cannot be read.")
        }
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("id", id)
            writer.member("object", "response")
            for name in ["created", "model", "conversation_id"] as [StaticString] {
                if let value = root[name] { writer.member(name, value) }
            }
            let message = root["choices"]?[0]?["message"]
            writer.member("message", message?["content"]?.string ?? "")
            if let thought = message?.present("reasoning_content") { writer.member("reasoning_content", thought) }
            if let usage = root.present("usage") { writer.member("usage", usage) }
        }
        return writer.take()
    }

    package func makeStreamWriter() -> any DialectStreamWriter {
        preconditionFailure("these streams are chat streams")
    }

    package func record(of answer: [UInt8]) -> StoredAnswer? { nil }
}

/// Errors as such clients look for them, with OpenAI's beside.
package struct ContinuationErrors: DialectErrors {
    package init() {}

    package func body(_ error: GatewayError, requestID: String) -> [UInt8] {
        let usual = ErrorBody.bytes(error, requestID: requestID)
        guard let root = (try? JSONDocument(parsing: usual))?.root, let said = root["error"] else { return usual }
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("error", said)
            writer.object("detail") { $0.member("error", said) }
        }
        return writer.take()
    }
}
