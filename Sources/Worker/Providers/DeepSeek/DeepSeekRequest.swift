internal import Core
internal import JSON
internal import OpenAIAPI

/// What must be put differently for DeepSeek to understand it as OpenAI would. What stands here in so many words, the
/// vendor would refuse, or ignore without one.
struct DeepSeekRequest {
    let job: Job
    /// The endpoint holds functions to their schemas.
    let isBeta: Bool
    private let root: JSONValue

    init(_ job: Job, isBeta: Bool) {
        self.job = job
        self.isBeta = isBeta
        root = job.request.document.root
    }

    func edits() throws(GatewayError) -> [JSONEdit] {
        var edits: [JSONEdit] = []
        if let count = root.present("n"), count.int != 1 {
            try job.refuse("n", "DeepSeek gives one choice only.")
            edits.append(.remove("n"))
        }
        // It ignores the newer name without a word, and then nothing limits the answer.
        if let limit = root.present("max_completion_tokens") {
            edits.append(.set("max_tokens", .slice(limit.raw)))
            edits.append(.remove("max_completion_tokens"))
        }
        if root["parallel_tool_calls"] != nil { edits.append(.remove("parallel_tool_calls")) }
        let tools = try DeepSeekTools(job, isBeta: isBeta)
        edits += tools.edits
        let thinks = DeepSeekThoughts.areExpected(root, model: job.model) && !tools.mustNotThink
        edits += thinking(mustBeOff: tools.mustNotThink)
        let hint = try schemaHint()
        if hint != nil {
            edits.append(.set("response_format", .literal(#"{"type":"json_object"}"#)))
        }
        if let messages = root["messages"] {
            let kept = job.materials.kept
            if let rewritten = DeepSeekMessages(thinks: thinks, kept: kept).rewrite(messages, hint: hint) {
                edits.append(.set("messages", .bytes(rewritten)))
            }
        }
        return edits
    }

    private func thinking(mustBeOff: Bool) -> [JSONEdit] {
        if mustBeOff { return [.set("thinking", .literal(#"{"type":"disabled"}"#))] }
        guard let effort = root.present("reasoning_effort"), root.present("thinking") == nil else { return [] }
        if effort.equals("none") {
            return [.set("thinking", .literal(#"{"type":"disabled"}"#)), .remove("reasoning_effort")]
        }
        return [.set("thinking", .literal(#"{"type":"enabled"}"#))]
    }

    /// It has no schemas for answers: it can be held to JSON, and is told the rest.
    private func schemaHint() throws(GatewayError) -> String? {
        guard let format = root.present("response_format"), format["type"]?.equals("json_schema") == true,
            case .jsonSchema(_, let schema, _) = try ResponseFormat(format)
        else { return nil }
        return "Answer with one JSON object and nothing else. It must be valid against this JSON schema: "
            + String(decoding: schema.raw, as: UTF8.self)
    }
}
