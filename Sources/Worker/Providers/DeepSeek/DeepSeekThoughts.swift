internal import Core
internal import JSON
internal import OpenAIAPI

/// The thoughts before a call: a model that thinks wants them back with the call's result. What is kept is their text, as a
/// JSON string.
enum DeepSeekThoughts {
    /// Whether the model thinks before it speaks: it does unless it is told otherwise, or goes by its oldest name.
    static func areExpected(_ root: JSONValue, model: String) -> Bool {
        if let told = root.present("thinking")?["type"] { return told.equals("enabled") }
        if let effort = root.present("reasoning_effort") { return !effort.equals("none") }
        return model != "deepseek-chat"
    }

    /// Whether the client has asked for them, in either way.
    static func areDemanded(_ root: JSONValue) -> Bool {
        root.present("thinking")?["type"]?.equals("enabled") == true || root.present("reasoning_effort") != nil
    }

    /// The calls whose thoughts the client has not carried.
    static func needs(of root: JSONValue) -> Needs {
        var needs = Needs()
        for message in root["messages"]?.elements.map({ $0 }) ?? [] {
            if let call = missing(from: message) { needs.calls.append(call) }
        }
        return needs
    }

    /// The first call of a message that lacks the thoughts before it.
    static func missing(from message: JSONValue) -> String? {
        guard let call = message.present("tool_calls")?[0],
            message.present("reasoning_content").map(\.isEmptyString) ?? true
        else { return nil }
        return call["id"]?.string ?? ""
    }

    /// A blank is taken for thoughts that nobody has any more.
    static func restored(_ kept: [UInt8]?) -> JSONFragment {
        guard let kept, let document = try? JSONDocument(parsing: kept), document.root.isString,
            !document.root.isEmptyString
        else { return .literal(#"" ""#) }
        return .bytes(kept)
    }

    /// What must be kept of a whole answer.
    static func kept(of answer: JSONValue) -> [KeptState] {
        guard let message = answer["choices"]?[0]?["message"], let text = message["reasoning_content"], text.isString,
            !text.isEmptyString, text.raw.count < ThoughtKeeper.limit,
            let call = message.present("tool_calls")?[0]?["id"]?.string
        else { return [] }
        return [KeptState(call: call, state: Array(text.raw))]
    }
}
