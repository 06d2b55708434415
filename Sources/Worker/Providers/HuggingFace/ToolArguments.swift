internal import JSON

/// The arguments of a tool's call, which OpenAI has as a text and some engines as an object.
enum ToolArguments {
    static func text(_ value: JSONValue?) -> JSONFragment {
        guard let value, !value.isNull else { return .literal("\"\"") }
        return value.isString ? .slice(value.raw) : .string(String(decoding: value.raw, as: UTF8.self))
    }

    /// The id of an answer, or one made for it.
    static func answerID(_ given: JSONValue?, _ callID: @Sendable () -> String) -> String {
        if let id = given?.string, !id.isEmpty { return id }
        return "chatcmpl-" + callID().dropFirst("call_".count)
    }

    /// Not to be met again in a conversation that other engines have had a part in.
    static func newCallID() -> String {
        var random = SystemRandomNumberGenerator()
        let number = random.next()
        let digits = String(number, radix: 36)
        return "call_" + String(repeating: "0", count: max(0, 13 - digits.count)) + digits
    }
}
