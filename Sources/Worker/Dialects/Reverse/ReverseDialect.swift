package import Core
internal import JSON
package import OpenAIAPI

/// `POST /api/chat` as ReversePro's clients send it: one message, the caller's own cookie if it has one, the name of the
/// conversation it belongs to.
package enum ReverseRequest {
    package static func chat(_ body: [UInt8]) throws(GatewayError) -> ModelRequest {
        let root = try ModelRequest.parse(body).root
        guard let message = root.present("message")?.string, !message.isEmpty else {
            throw .invalid("message", "Message is required", code: .missingParameter)
        }
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("model", root.present("model")?.string ?? "grok-3")
            writer.array("messages") { writer in
                writer.object { writer in
                    writer.member("role", "user")
                    writer.member("content", message)
                }
            }
            if let id = root.present("conversation_id")?.string, !id.isEmpty { writer.member("conversation_id", id) }
            writer.object("metadata") { writer in
                if let cookie = root.present("cookie") ?? root.present("grok_cookie") {
                    writer.member("cookie", cookie)
                }
                if let mode = root.present("model_mode") { writer.member("model_mode", mode) }
            }
        }
        return try ModelRequest(.chat, body: writer.take())
    }
}

/// The answer to such a message.
package struct ReverseDialect: Dialect {
    private let model: String
    private let mode: String
    private let isNew: Bool

    package init(_ request: ModelRequest) {
        let root = request.document.root
        model = request.model
        mode = root["metadata"]?["model_mode"]?.string ?? "MODEL_MODE_AUTO"
        isNew = root["conversation_id"] == nil
    }

    package func answer(_ completion: [UInt8]) throws(GatewayError) -> [UInt8] {
        guard let root = (try? JSONDocument(parsing: completion))?.root else {
            throw GatewayError(.internalError, "The answer cannot be read.")
        }
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("success", true)
            writer.object("data") { writer in
                writer.member("response", root["choices"]?[0]?["message"]?["content"]?.string ?? "")
                if let id = root.present("conversation_id") { writer.member("conversation_id", id) }
                let name = root["id"]?.string ?? ""
                writer.member("response_id", name)
                writer.member("next_parent_response_id", name)
                writer.member("is_new_conversation", isNew)
                writer.member("model_used", model)
                writer.member("model_mode_used", mode)
                guard let usage = root.present("usage") else { return }
                // Both names that its versions gave it.
                writer.member("token_usage", usage)
                writer.member("usage", usage)
            }
            writer.key("error")
            writer.null()
        }
        return writer.take()
    }

    package func makeStreamWriter() -> any DialectStreamWriter {
        preconditionFailure("these requests ask for whole answers")
    }

    package func record(of answer: [UInt8]) -> StoredAnswer? { nil }

    /// The text that `POST /api/count-tokens` wants counted.
    package static func counted(_ body: [UInt8]) throws(GatewayError) -> String {
        guard let text = try ModelRequest.parse(body).root.present("text")?.string else {
            throw .invalid("text", "'text' must be a string.", code: .missingParameter)
        }
        guard text.utf8.count <= 1 << 17 else {
            throw .invalid("text", "At most 128 KB of text are counted at once.", code: .bodyTooLarge)
        }
        return text
    }

    package static func count(_ count: Int, of text: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("text", text)
            writer.member("token_count", count)
            writer.member("method", "tiktoken")
        }
        return writer.take()
    }

    /// `GET /api/model-modes`.
    package static func modes() -> [UInt8] {
        let modes = [
            ("MODEL_MODE_AUTO", "The upstream decides."), ("MODEL_MODE_FAST", "Quick answers."),
            ("MODEL_MODE_ACCURATE", "Careful answers."), ("MODEL_MODE_REASONING", "Thinks before it answers."),
        ]
        var writer = JSONWriter()
        writer.object { writer in
            writer.array("supported_modes") { writer in
                for (name, _) in modes { writer.string(name) }
            }
            writer.member("default", "MODEL_MODE_AUTO")
            writer.object("descriptions") { writer in
                for (name, text) in modes {
                    writer.key(name)
                    writer.string(text)
                }
            }
        }
        return writer.take()
    }
}

/// Such clients look at a flag in the body and not at the status.
package struct ReverseErrors: DialectErrors {
    package init() {}

    package func body(_ error: GatewayError, requestID: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("success", false)
            writer.key("data")
            writer.null()
            writer.member("error", error.message)
            writer.member("code", error.code.rawValue)
            writer.member("request_id", requestID)
        }
        return writer.take()
    }
}
