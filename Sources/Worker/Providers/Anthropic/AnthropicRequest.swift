internal import Core
internal import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// Writes the body of a request to the Messages API.
enum AnthropicRequest {
    /// The vendor's own parameters, which clients may send beside OpenAI's.
    private static let extras: [StaticString] = [
        "cache_control", "container", "context_management", "diagnostics", "inference_geo", "mcp_servers", "speed",
    ]
    /// What is translated, beyond what every provider understands.
    private static let translated: [StaticString] = [
        "max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "stop", "stop_sequences", "tools",
        "tool_choice", "functions", "function_call", "parallel_tool_calls", "response_format", "reasoning_effort", "n",
        "service_tier", "thinking", "output_config", "anthropic_beta", "modalities",
    ]

    static func body(_ chat: ChatRequest, _ plan: AnthropicPlan, _ job: Job) throws(GatewayError) -> [UInt8] {
        try Parameters.check(job, known: translated + extras, provider: "Anthropic")
        try checkModalities(chat, job)
        let conversation = try AnthropicConversation(chat, plan, job)
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("model", job.model)
        writer.member("max_tokens", plan.maxTokens)
        conversation.write(to: &writer)
        try AnthropicTools.write(chat, plan, job, to: &writer)
        writeStop(chat, to: &writer)
        writeSampling(chat.root, plan, to: &writer)
        plan.thinking.write(to: &writer)
        writeOutput(chat, plan, to: &writer)
        writeUser(chat.root, to: &writer)
        try writeTier(chat.root, job, to: &writer)
        if job.request.streams { writer.member("stream", true) }
        for name in extras {
            guard let value = chat.root.present(name) else { continue }
            writer.key(name)
            writer.value(value)
        }
        writer.endObject()
        return writer.take()
    }

    /// `anthropic_beta` of the request, which the vendor's own clients send as a header.
    static func betaHeaders(_ chat: ChatRequest) throws(GatewayError) -> [HTTPHeader] {
        guard let value = chat.root.present("anthropic_beta") else { return [] }
        let names = value.string.map { [$0] } ?? value.elements.compactMap(\.string)
        let isPlain = names.allSatisfy { name in
            !name.isEmpty && name.utf8.count <= 512
                && name.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), 45, 46, 95, 44:
                        true
                    default: false
                    }
                }
        }
        guard isPlain, (1...32).contains(names.count), value.isString || names.count == value.count else {
            throw .invalid("anthropic_beta", "'anthropic_beta' must be a name or an array of names.")
        }
        return [HTTPHeader("anthropic-beta", names.joined(separator: ","))]
    }

    private static func checkModalities(_ chat: ChatRequest, _ job: Job) throws(GatewayError) {
        guard let wanted = chat.root.present("modalities") else { return }
        if wanted.elements.contains(where: { !$0.equals("text") }) {
            try job.refuse("modalities", "Anthropic's models answer in text only.")
        }
    }

    private static func writeStop(_ chat: ChatRequest, to writer: inout JSONWriter) {
        if chat.stop.isEmpty, let own = chat.root.present("stop_sequences") {
            writer.key("stop_sequences")
            writer.value(own)
            return
        }
        // The vendor refuses those of nothing but space.
        let sequences = chat.stop.filter { !$0.allSatisfy(\.isWhitespace) }
        guard !sequences.isEmpty else { return }
        writer.key("stop_sequences")
        writer.beginArray()
        for sequence in sequences { writer.string(sequence) }
        writer.endArray()
    }

    /// OpenAI's own reasoning models take no sampling parameters either, and clients send them to everyone: where a model
    /// takes none they are left out.
    private static func writeSampling(_ root: JSONValue, _ plan: AnthropicPlan, to writer: inout JSONWriter) {
        guard plan.takesSampling else {
            // The vendor's own parameter is its to judge, unless it was the gateway that turned thinking on.
            if !plan.thinking.isOn { write("top_k", root, to: &writer) }
            return
        }
        if let temperature = root.present("temperature") {
            writer.key("temperature")
            // OpenAI's scale goes to 2.
            if let value = temperature.double, value <= 1 { writer.value(temperature) } else { writer.integer(1) }
        }
        if root.present("temperature") == nil || plan.model.takesBothSamplings { write("top_p", root, to: &writer) }
        write("top_k", root, to: &writer)
    }

    private static func write(_ name: StaticString, _ root: JSONValue, to writer: inout JSONWriter) {
        guard let value = root.present(name) else { return }
        writer.key(name)
        writer.value(value)
    }

    /// `output_config`: the client's own, with what its OpenAI parameters come to where it does not say the same itself.
    private static func writeOutput(_ chat: ChatRequest, _ plan: AnthropicPlan, to writer: inout JSONWriter) {
        let own = chat.root.present("output_config")
        var edits: [JSONEdit] = []
        if let effort = plan.thinking.effort, own?.present("effort") == nil {
            edits.append(.set("effort", .string("\(effort)")))
        }
        if case .schema(let schema) = plan.format, own?.present("format") == nil {
            var format = JSONWriter()
            format.beginObject()
            format.member("type", "json_schema")
            format.member("schema", .slice(schema.raw))
            format.endObject()
            edits.append(.set("format", .bytes(format.take())))
        }
        if let own, own.isObject {
            var merged = ByteBuffer()
            own.append(to: &merged, editing: edits)
            writer.member("output_config", .bytes(merged.take()))
        } else if !edits.isEmpty {
            writer.key("output_config")
            writer.beginObject()
            for case .set(let key, let value) in edits { writer.member(key, value) }
            writer.endObject()
        }
    }

    private static func writeUser(_ root: JSONValue, to writer: inout JSONWriter) {
        let id = root["metadata"]?.present("user_id") ?? root.present("safety_identifier") ?? root.present("user")
        guard let id, id.isString, !id.isEmptyString else { return }
        writer.key("metadata")
        writer.beginObject()
        writer.key("user_id")
        writer.value(id)
        writer.endObject()
    }

    private static func writeTier(
        _ root: JSONValue,
        _ job: Job,
        to writer: inout JSONWriter
    ) throws(GatewayError) {
        guard let tier = root.present("service_tier") else { return }
        switch tier.string {
        case "auto": writer.member("service_tier", "auto")
        case "default", "standard_only": writer.member("service_tier", "standard_only")
        default: try job.refuse("service_tier", "Anthropic has the service tiers 'auto' and 'default'.")
        }
    }
}
