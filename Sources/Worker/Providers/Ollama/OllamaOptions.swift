internal import Core
internal import JSON
internal import OpenAIAPI

/// How the model shall choose its words. What the client leaves out is left out: the model's own file has defaults.
enum OllamaOptions {
    private static let sampling: [StaticString] = [
        "temperature", "top_p", "seed", "presence_penalty", "frequency_penalty", "top_k", "min_p", "typical_p",
        "repeat_penalty", "repeat_last_n", "num_ctx",
    ]

    /// All that a request may say of it at its top.
    static let names: [StaticString] = sampling + ["stop"]

    static func bytes(_ chat: ChatRequest) throws(GatewayError) -> [UInt8] {
        let given = chat.root.present("options")
        if let given, !given.isObject { throw .invalid("options", "'options' must be an object.") }
        var writer = JSONWriter()
        writer.beginObject()
        for name in sampling where given?[name] == nil {
            guard let value = chat.root.present(name) else { continue }
            writer.key(name)
            writer.value(value)
        }
        if let limit = chat.maxTokens, given?["num_predict"] == nil { writer.member("num_predict", limit) }
        if !chat.stop.isEmpty, given?["stop"] == nil {
            writer.key("stop")
            writer.beginArray()
            for text in chat.stop { writer.string(text) }
            writer.endArray()
        }
        // What the client put into the vendor's own words wins.
        if let given {
            for (key, value) in given.members {
                guard let name = key.string else { continue }
                writer.key(name)
                writer.value(value)
            }
        }
        writer.endObject()
        return writer.take()
    }
}
