internal import Core
internal import JSON
internal import OpenAIAPI

/// What the last object of an answer says.
enum OllamaEnd {
    static func reason(_ root: JSONValue, hasCalls: Bool) -> FinishReason {
        if hasCalls { return .toolCalls }
        // `load` and `unload` answer requests without messages; both are done.
        return root["done_reason"]?.equals("length") == true ? .length : .stop
    }

    /// Older servers leave out the prompt's tokens when all of them came from the cache.
    static func usage(_ root: JSONValue) -> TokenUsage? {
        let prompt = root.present("prompt_eval_count")
        let answer = root.present("eval_count")
        guard prompt != nil || answer != nil else { return nil }
        return TokenUsage(prompt: count(prompt), completion: count(answer))
    }

    /// What is the vendor's own: its word for the reason, and where the time went, in nanoseconds.
    static func write(_ root: JSONValue, to writer: inout JSONWriter) {
        if let native = root["done_reason"], native.isString, !native.isEmptyString {
            writer.member("native_finish_reason", .slice(native.raw))
        }
        let names: [StaticString] = [
            "total_duration", "load_duration", "prompt_eval_duration", "eval_duration",
        ]
        guard names.contains(where: { root[$0]?.isNumber == true }) else { return }
        writer.key("timings")
        writer.beginObject()
        for name in names {
            if let value = root[name], value.isNumber { writer.member(name, .slice(value.raw)) }
        }
        writer.endObject()
    }

    static func logprobs(_ list: JSONValue) -> JSONFragment {
        .bytes(Array(#"{"content":"#.utf8) + list.raw + Array(#","refusal":null}"#.utf8))
    }

    /// A trillion leaves room for sums.
    private static func count(_ value: JSONValue?) -> Int { min(max(0, value?.int ?? 0), 1 << 40) }
}

/// What an answer calls itself.
struct OllamaNames {
    static let fingerprint = "fp_ollama"

    let id: String
    let model: String
    let created: Int

    init(_ root: JSONValue, model: String, now: Int, seed: UInt64) {
        id = "chatcmpl-" + String(seed, radix: 16)
        let given = root["model"]?.string ?? ""
        self.model = given.isEmpty || given.utf8.count > 256 ? model : given
        created = root["created_at"]?.string.flatMap { $0.utf8.count <= 64 ? RFC3339.seconds($0) : nil } ?? now
    }
}
