package import Core
internal import JSON
package import OpenAIAPI

/// Anthropic's Messages, spoken by a client.
package struct MessagesDialect: Dialect {
    private let id: String
    private let model: String

    /// `id` names the answer.
    package init(id: String, model: String) {
        self.id = "msg_" + id
        self.model = model
    }

    /// Reads a request and says it in the canonical words.
    package static func request(_ body: [UInt8]) throws(GatewayError) -> ModelRequest {
        try MessagesRequest.chat(body)
    }

    /// The same for a request whose tokens are to be counted, which needs no limit.
    package static func request(counting body: [UInt8]) throws(GatewayError) -> ModelRequest {
        try MessagesRequest.chat(body, needsLimit: false)
    }

    package func makeStreamWriter() -> any DialectStreamWriter { MessagesStream(id: id, model: model) }

    package func answer(_ completion: [UInt8]) throws(GatewayError) -> [UInt8] {
        try MessagesAnswer.write(completion, id: id, model: model)
    }

    package func record(of answer: [UInt8]) -> StoredAnswer? { nil }
}

/// Errors as Anthropic's clients read them.
package struct MessagesErrors: DialectErrors {
    package init() {}

    package func body(_ error: GatewayError, requestID: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { Self.write(error, requestID, to: &$0) }
        return writer.take()
    }

    static func write(_ error: GatewayError, _ requestID: String, to writer: inout JSONWriter, hasType: Bool = false) {
        if !hasType { writer.member("type", "error") }
        writer.object("error") { writer in
            writer.member("type", type(error))
            // Their clients know no parameter beside the message.
            let prefix = error.parameter.map { error.message.contains($0) ? "" : "\($0): " } ?? ""
            writer.member("message", prefix + error.message)
        }
        writer.member("request_id", requestID)
    }

    private static func type(_ error: GatewayError) -> String {
        switch error.status {
        case 401: "authentication_error"
        case 402: "billing_error"
        case 403: "permission_error"
        case 404: "not_found_error"
        case 413: "request_too_large"
        case 429: error.code == .insufficientQuota ? "billing_error" : "rate_limit_error"
        case 503: "overloaded_error"
        case 504: "timeout_error"
        case 400..<500: "invalid_request_error"
        default: "api_error"
        }
    }
}
