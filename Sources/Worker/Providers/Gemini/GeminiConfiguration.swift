internal import Core
internal import JSON
internal import OpenAIAPI

/// Writes `generationConfig`: how the answer is to be made.
struct GeminiConfiguration {
    private var writer = JSONWriter()
    private var names: [StaticString] = []
    private let chat: ChatRequest
    private let job: Job
    private let model: GeminiModel

    /// An empty object where the request says nothing.
    static func bytes(
        _ chat: ChatRequest,
        _ job: Job,
        _ model: GeminiModel,
        _ extras: GeminiExtras
    ) throws(GatewayError) -> [UInt8] {
        var configuration = GeminiConfiguration(chat: chat, job: job, model: model)
        try configuration.setSampling(extras)
        try configuration.setLogprobs()
        try configuration.setFormat()
        try configuration.setModalities()
        if let thinking = try GeminiThinking.configuration(chat, job, model, extras) {
            configuration.set("thinkingConfig", thinking)
        }
        configuration.setResolution()
        // The client's own words last, as far as nothing has been said in OpenAI's: the vendor refuses names that come twice.
        for (key, value) in try extras.container("generation_config", "generationConfig", isArray: false)?.members
            .map({ $0 }) ?? []
        where !configuration.names.contains(where: { key.equals($0) }) {
            configuration.writer.key(key.string ?? "")
            configuration.writer.value(value)
        }
        configuration.writer.endObject()
        return configuration.writer.take()
    }

    private init(chat: ChatRequest, job: Job, model: GeminiModel) {
        self.chat = chat
        self.job = job
        self.model = model
        writer.beginObject()
    }

    private mutating func set(_ name: StaticString, _ value: JSONFragment) {
        names.append(name)
        writer.member(name, value)
    }

    private mutating func setSampling(_ extras: GeminiExtras) throws(GatewayError) {
        let root = chat.root
        if let value = root.present("temperature") { set("temperature", .slice(value.raw)) }
        if let value = root.present("top_p") { set("topP", .slice(value.raw)) }
        if let value = extras.value("top_k", "topK") {
            guard value.int != nil else { throw .invalid("top_k", "'top_k' must be an integer.") }
            set("topK", .slice(value.raw))
        }
        if chat.choices > 1 { set("candidateCount", .integer(chat.choices)) }
        if let limit = chat.maxTokens { set("maxOutputTokens", .integer(limit)) }
        if !chat.stop.isEmpty {
            guard chat.stop.count <= 5 else { throw .notHere("stop", "Gemini takes at most 5 stop sequences.") }
            var list = JSONWriter()
            list.beginArray()
            for text in chat.stop { list.string(text) }
            list.endArray()
            set("stopSequences", .bytes(list.take()))
        }
        if let seed = root.present("seed") {
            // Seeds have 32 bits here; what is larger is folded, so that equal ones stay equal.
            let folded = seed.int.map { Int32(exactly: $0) ?? Int32(truncatingIfNeeded: $0) } ?? 0
            set("seed", .integer(Int(folded)))
        }
        // Some models refuse these at all; nothing is what they are by default.
        if let value = root.present("presence_penalty"), value.double != 0 {
            set("presencePenalty", .slice(value.raw))
        }
        if let value = root.present("frequency_penalty"), value.double != 0 {
            set("frequencyPenalty", .slice(value.raw))
        }
    }

    private mutating func setLogprobs() throws(GatewayError) {
        guard let wanted = chat.root.present("logprobs") else { return }
        guard let isWanted = wanted.bool else { throw .invalid("logprobs", "'logprobs' must be a boolean.") }
        guard isWanted else { return }
        set("responseLogprobs", .true)
        if let count = chat.root.present("top_logprobs"), count.int != 0 { set("logprobs", .slice(count.raw)) }
    }

    private mutating func setFormat() throws(GatewayError) {
        if case .text = chat.responseFormat { return }
        if !chat.tools.isEmpty, !model.joinsToolsAndJSON {
            return try job.refuse("response_format", "This model does not answer in JSON where it may call tools.")
        }
        set("responseMimeType", .literal(#""application/json""#))
        guard case .jsonSchema(_, let schema, _) = chat.responseFormat else { return }
        if model.takesJSONSchema {
            set("responseJsonSchema", .slice(schema.raw))
        } else {
            let converted = try GeminiSchema.converted(schema, parameter: "response_format.json_schema.schema")
            set("responseSchema", .bytes(converted))
        }
    }

    private mutating func setModalities() throws(GatewayError) {
        if let modalities = chat.root.present("modalities") {
            var list = JSONWriter()
            list.beginArray()
            for modality in modalities.elements {
                switch modality.string {
                case "text": list.string("TEXT")
                case "image": list.string("IMAGE")
                case "audio": list.string("AUDIO")
                default: throw .invalid("modalities", "'modalities' must hold 'text', 'image' or 'audio'.")
                }
            }
            list.endArray()
            let bytes = list.take()
            // Text alone is what every model answers with.
            if modalities.count > 0, bytes != Array(#"["TEXT"]"#.utf8) { set("responseModalities", .bytes(bytes)) }
        }
        guard let voice = chat.root.present("audio")?.present("voice") else { return }
        guard voice.isString else { throw .invalid("audio.voice", "'audio.voice' must be a string.") }
        let before = #"{"voiceConfig":{"prebuiltVoiceConfig":{"voiceName":"#
        set("speechConfig", .bytes(Array(before.utf8) + voice.raw + Array("}}}".utf8)))
    }

    /// Before each image could have a resolution of its own there was one for all: the closest look that any asks for.
    private mutating func setResolution() {
        guard !model.takesMediaInResults else { return }
        var details: Set<String> = []
        for message in chat.messages {
            for part in message.parts {
                if case .image(_, let detail) = part.kind { details.insert(detail ?? "auto") }
            }
        }
        let detail = details.contains("high") ? "high" : details == ["low"] ? "low" : nil
        if let level = GeminiParts.resolution(detail) { set("mediaResolution", .literal(level)) }
    }
}
