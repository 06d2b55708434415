internal import Core
internal import JSON
internal import OpenAIAPI

/// The vendor's own parameters, in either of the spellings that Google accepts: at the top of the request, or under
/// `google`, or under `extra_body.google`, where Google's compatible interface has them.
struct GeminiExtras {
    private let root: JSONValue
    private let google: JSONValue?

    init(_ job: Job) throws(GatewayError) {
        root = job.request.document.root
        let body = root.present("extra_body")
        google = root.present("google") ?? body?.present("google")
        for (key, _) in body?.members.map({ $0 }) ?? [] where !key.equals("google") {
            try job.refuse("extra_body.\((key.string ?? "").prefix(100))", "Gemini has nothing that corresponds to it.")
        }
        for (key, _) in google?.members.map({ $0 }) ?? [] where !Self.names.contains(where: { key.equals($0) }) {
            try job.refuse("google.\((key.string ?? "").prefix(100))", "Gemini has nothing that corresponds to it.")
        }
    }

    /// The spellings of all of them.
    static let names: [StaticString] = [
        "top_k", "topK", "safety_settings", "safetySettings", "cached_content", "cachedContent", "thinking_config",
        "thinkingConfig", "generation_config", "generationConfig",
    ]

    func value(_ snake: StaticString, _ camel: StaticString) -> JSONValue? {
        root.present(snake) ?? root.present(camel) ?? google?.present(snake) ?? google?.present(camel)
    }

    /// The same where only an array, or only an object, makes sense.
    func container(_ snake: StaticString, _ camel: StaticString, isArray: Bool) throws(GatewayError) -> JSONValue? {
        guard let value = value(snake, camel) else { return nil }
        guard isArray ? value.isArray : value.isObject else {
            throw .invalid("\(snake)", "'\(snake)' must be an \(isArray ? "array" : "object").")
        }
        return value
    }
}
