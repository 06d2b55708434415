internal import Core
internal import JSON
internal import OpenAIAPI

/// What all the forms in which a response is shown have in common: its name, and the echo of what was asked.
struct ResponseObject: Sendable {
    enum Status: String, Sendable {
        case inProgress = "in_progress"
        case completed, incomplete, failed
    }

    let id: String
    let model: String
    /// In seconds since 1970.
    let created: Int
    let document: JSONDocument
    let stores: Bool

    private static let echoed: [(name: StaticString, usual: JSONFragment)] = [
        ("instructions", .null), ("max_output_tokens", .null), ("max_tool_calls", .null), ("metadata", .literal("{}")),
        ("parallel_tool_calls", .true), ("previous_response_id", .null),
        ("reasoning", .literal(#"{"effort":null,"summary":null}"#)), ("safety_identifier", .null),
        ("service_tier", .literal(#""default""#)), ("temperature", .null),
        ("text", .literal(#"{"format":{"type":"text"}}"#)), ("tool_choice", .literal(#""auto""#)),
        ("tools", .literal("[]")), ("top_p", .null), ("truncation", .literal(#""disabled""#)), ("user", .null),
    ]

    /// `finish` is chat's reason for the end; `failure` is what went wrong instead of one.
    func write(
        _ status: Status,
        output: [OutputItem] = [],
        finish: String? = nil,
        usage: TokenUsage? = nil,
        failure: GatewayError? = nil,
        to writer: inout JSONWriter
    ) {
        writer.object { writer in
            writer.member("id", id)
            writer.member("object", "response")
            writer.member("created_at", created)
            writer.member("status", status.rawValue)
            writer.member("background", false)
            writer.key("error")
            if let failure {
                writer.object { writer in
                    writer.member("code", failure.code == .rateLimitExceeded ? "rate_limit_exceeded" : "server_error")
                    writer.member("message", failure.message)
                }
            } else {
                writer.null()
            }
            writer.key("incomplete_details")
            if status == .incomplete {
                writer.object { writer in
                    writer.member("reason", finish == "length" ? "max_output_tokens" : "content_filter")
                }
            } else {
                writer.null()
            }
            writer.member("model", model)
            writer.array("output") { writer in for item in output { item.write(to: &writer) } }
            for (name, usual) in Self.echoed {
                writer.key(name)
                if let value = document.root.present(name) { writer.value(value) } else { writer.raw(usual) }
            }
            writer.member("store", stores)
            writer.key("usage")
            if let usage { Self.write(usage, to: &writer) } else { writer.null() }
        }
    }

    private static func write(_ usage: TokenUsage, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("input_tokens", usage.prompt)
            writer.object("input_tokens_details") { writer in
                writer.member("cached_tokens", usage.cached)
                writer.member("cache_write_tokens", usage.cacheWrite)
            }
            writer.member("output_tokens", usage.completion)
            writer.object("output_tokens_details") { $0.member("reasoning_tokens", usage.reasoning) }
            writer.member("total_tokens", usage.total)
        }
    }

    static func status(_ finish: String?) -> Status {
        finish == "length" || finish == "content_filter" ? .incomplete : .completed
    }
}

/// One item of a response's output.
struct OutputItem: Sendable {
    enum Kind: Sendable, Equatable {
        case message
        case refusal
        case reasoning
        case call(id: String, name: String)
    }

    let id: String
    let kind: Kind
    /// The text, the reasoning or the arguments.
    var text = ""
    var annotations: [UInt8]?
    /// The signed thoughts behind a reasoning, as JSON.
    var sealed: String?
    var isDone = true

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("id", id)
            switch kind {
            case .message, .refusal:
                writer.member("type", "message")
                writer.member("status", isDone ? "completed" : "in_progress")
                writer.member("role", "assistant")
                writer.array("content") { writer in if isDone { writePart(to: &writer) } }
            case .reasoning:
                writer.member("type", "reasoning")
                writer.member("summary", .literal("[]"))
                writer.array("content") { writer in if isDone, !text.isEmpty { writePart(to: &writer) } }
                if let sealed { writer.member("encrypted_content", sealed) }
            case .call(let callID, let name):
                writer.member("type", "function_call")
                writer.member("status", isDone ? "completed" : "in_progress")
                writer.member("call_id", callID)
                writer.member("name", name)
                writer.member("arguments", isDone && text.isEmpty ? "{}" : text)
            }
        }
    }

    /// The one part of its content.
    func writePart(to writer: inout JSONWriter, isEmpty: Bool = false) {
        let shown = isEmpty ? "" : text
        writer.object { writer in
            switch kind {
            case .message:
                writer.member("type", "output_text")
                writer.member("text", shown)
                writer.member("annotations", annotations.map { .bytes($0) } ?? .literal("[]"))
                writer.member("logprobs", .literal("[]"))
            case .refusal:
                writer.member("type", "refusal")
                writer.member("refusal", shown)
            case .reasoning, .call:
                writer.member("type", "reasoning_text")
                writer.member("text", shown)
            }
        }
    }
}
