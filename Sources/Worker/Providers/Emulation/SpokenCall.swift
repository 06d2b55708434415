internal import Core
internal import JSON

/// A call as a model has said it, of a tool there is, with arguments that are an object.
struct SpokenCall: Sendable, Equatable {
    let name: String
    /// An object's JSON text.
    let arguments: String

    static let nameKeys: [StaticString] = ["name", "tool_name", "tool"]
    static let argumentKeys: [StaticString] = ["arguments", "parameters", "args", "input"]
    /// What may stand around a call or around several.
    static let wrapperKeys: [StaticString] = ["function", "tool_calls", "tool_call", "function_call"]
    static let types: [StaticString] = ["function", "tool_call", "tool_use", "function_call"]
    private static let neutralKeys: [StaticString] = ["id", "type", "index"]

    /// The calls that a value spells, all of it, or nil: what is anything else besides is no call. Where nothing but the
    /// value itself says that it is one, it must have arguments.
    static func read(_ value: JSONValue, _ tools: CallableTools, demandsArguments: Bool) -> [SpokenCall]? {
        if value.isObject, value.count == 1, let list = value["tool_calls"] {
            return all(list, tools, demandsArguments)
        }
        return value.isArray ? all(value, tools, demandsArguments) : one(value, tools, demandsArguments).map { [$0] }
    }

    private static func all(_ list: JSONValue, _ tools: CallableTools, _ demandsArguments: Bool) -> [SpokenCall]? {
        var calls: [SpokenCall] = []
        for element in list.elements {
            guard let call = one(element, tools, demandsArguments) else { return nil }
            calls.append(call)
        }
        return calls.isEmpty ? nil : calls
    }

    private static func one(
        _ value: JSONValue,
        _ tools: CallableTools,
        _ demandsArguments: Bool,
        isInner: Bool = false
    ) -> SpokenCall? {
        var name: JSONValue?
        var arguments: JSONValue?
        var inner: JSONValue?
        for (key, member) in value.members {
            if member.isObject, key.isOne(of: wrapperKeys), !isInner {
                guard inner == nil else { return nil }
                inner = member
            } else if key.isOne(of: nameKeys) || key.equals("function") {
                guard name == nil, member.isString else { return nil }
                name = member
            } else if key.isOne(of: argumentKeys) {
                guard arguments == nil, !(demandsArguments && isDefinition(member, under: key)) else { return nil }
                arguments = member
            } else if !key.isOne(of: neutralKeys) {
                return nil
            }
        }
        if let inner {
            return name == nil && arguments == nil ? one(inner, tools, demandsArguments, isInner: true) : nil
        }
        guard let name = name.flatMap({ tools.name(Array(($0.string ?? "").utf8)[...]) }) else { return nil }
        guard let arguments, !arguments.isNull else {
            return demandsArguments ? nil : SpokenCall(name: name, arguments: "{}")
        }
        return object(arguments).map { SpokenCall(name: name, arguments: $0) }
    }

    /// A model that repeats what a tool takes does not call it.
    private static func isDefinition(_ value: JSONValue, under key: JSONValue) -> Bool {
        key.equals("parameters") && value["type"]?.equals("object") == true && value["properties"]?.isObject == true
    }

    /// The arguments that a value is, or that it has as a text.
    static func object(_ value: JSONValue) -> String? {
        if value.isObject { return value.raw.text }
        guard let text = value.string else { return nil }
        let inner = Blank.trimmed(Array(text.utf8)[...])
        return inner.isEmpty ? "{}" : ArgumentRepair.object(inner)?.text
    }
}

extension JSONValue {
    func isOne(of texts: [StaticString]) -> Bool { texts.contains { equals($0) } }
}
