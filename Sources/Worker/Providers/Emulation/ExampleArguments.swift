internal import Core
internal import JSON

/// Arguments as a schema might want them, to show a model the form of a call.
enum ExampleArguments {
    /// What a tool must be given, or the first thing it can be.
    static func text(_ schema: JSONValue?) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        if let properties = schema?["properties"], properties.isObject {
            var required = schema?["required"]?.elements.compactMap(\.string) ?? []
            if required.isEmpty { required = properties.members.prefix(1).compactMap(\.key.string) }
            // An example, no more.
            for name in required.prefix(3) {
                guard let property = properties.member(named: name) else { continue }
                writer.key(name)
                writer.raw(value(property))
            }
        }
        writer.endObject()
        return writer.take().text
    }

    private static func value(_ schema: JSONValue) -> JSONFragment {
        if let first = schema["enum"]?[0] { return .slice(first.raw) }
        let type = schema["type"]
        switch type?.string ?? type?[0]?.string {
        case "integer", "number": return .literal("1")
        case "boolean": return .literal("true")
        case "array": return .literal("[]")
        case "object": return .literal("{}")
        case "null": return .null
        default: return .literal(#""…""#)
        }
    }
}
