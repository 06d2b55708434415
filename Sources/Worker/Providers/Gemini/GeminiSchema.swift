internal import Core
internal import JSON
internal import OpenAIAPI

/// Puts a JSON Schema into the part of OpenAPI's that the 1.x models take.
///
/// References are put in place, `null` among types becomes `nullable`, and what the vendor has no word for is left out:
/// it narrows what the model may say, and the client checks that anyway.
struct GeminiSchema {
    /// References may multiply: a short schema can stand for one of any size.
    private var left = 10_000
    private let root: JSONValue
    private let parameter: String

    private static let copied: [StaticString] = [
        "description", "nullable", "required", "minItems", "maxItems", "minimum", "maximum", "minLength", "maxLength",
        "pattern", "propertyOrdering",
    ]

    static func converted(_ schema: JSONValue, parameter: String) throws(GatewayError) -> [UInt8] {
        var conversion = GeminiSchema(root: schema, parameter: parameter)
        var writer = JSONWriter()
        try conversion.write(schema, depth: 0, to: &writer)
        return writer.take()
    }

    private init(root: JSONValue, parameter: String) {
        self.root = root
        self.parameter = parameter
    }

    private mutating func write(_ schema: JSONValue, depth: Int, to writer: inout JSONWriter) throws(GatewayError) {
        let schema = try resolved(schema)
        left -= 1
        guard left > 0, depth < 64 else {
            throw .notHere(parameter, "This schema is too large for this model, or refers to itself.")
        }
        writer.beginObject()
        writeType(schema, to: &writer)
        for name in Self.copied {
            guard let value = schema.present(name) else { continue }
            writer.key(name)
            writer.value(value)
        }
        writeEnum(schema, to: &writer)
        if let items = schema.present("items"), items.isObject {
            writer.key("items")
            try write(items, depth: depth + 1, to: &writer)
        }
        if let properties = schema.present("properties"), properties.count > 0 {
            writer.key("properties")
            writer.beginObject()
            for (key, value) in properties.members {
                writer.key(key.string ?? "")
                try write(value, depth: depth + 1, to: &writer)
            }
            writer.endObject()
        }
        if let choices = schema.present("anyOf") ?? schema.present("oneOf") ?? schema.present("allOf") {
            try writeChoices(choices, depth, to: &writer)
        }
        writer.endObject()
    }

    private mutating func writeChoices(
        _ choices: JSONValue,
        _ depth: Int,
        to writer: inout JSONWriter
    ) throws(GatewayError) {
        if choices.elements.contains(where: Self.isNull) { writer.member("nullable", true) }
        writer.key("anyOf")
        writer.beginArray()
        for choice in choices.elements where !Self.isNull(choice) { try write(choice, depth: depth + 1, to: &writer) }
        writer.endArray()
    }

    private static func isNull(_ schema: JSONValue) -> Bool { schema["type"]?.equals("null") == true }

    private func writeType(_ schema: JSONValue, to writer: inout JSONWriter) {
        guard let type = schema.present("type") else { return }
        let types = type.string.map { [$0] } ?? type.elements.compactMap { $0.string }
        let main = types.first { $0 != "null" }
        if let main { writer.member("type", main) }
        if types.contains("null"), schema["nullable"] == nil { writer.member("nullable", true) }
        // Other formats of strings are unknown to it.
        if let format = schema.present("format"),
            main != "string" || format.equals("enum") || format.equals("date-time")
        {
            writer.key("format")
            writer.value(format)
        }
    }

    private func writeEnum(_ schema: JSONValue, to writer: inout JSONWriter) {
        if let list = schema.present("enum") {
            writer.key("enum")
            writer.value(list)
        } else if let only = schema.present("const") {
            writer.key("enum")
            writer.beginArray()
            writer.value(only)
            writer.endArray()
        }
    }

    /// What a reference stands for: `#/$defs/Name` and the like.
    private mutating func resolved(_ schema: JSONValue) throws(GatewayError) -> JSONValue {
        var schema = schema
        while let reference = schema.present("$ref")?.string {
            left -= 1
            var target: JSONValue? = root
            guard left > 0, reference.hasPrefix("#") else { throw unknown(reference) }
            for step in reference.dropFirst().split(separator: "/") {
                let name = step.replacing("~1", with: "/").replacing("~0", with: "~")
                target = target?.member(named: String(name))
            }
            guard let target else { throw unknown(reference) }
            schema = target
        }
        guard schema.isObject else { throw .invalid(parameter, "A schema must be an object.") }
        return schema
    }

    private func unknown(_ reference: String) -> GatewayError {
        .invalid(parameter, "The reference '\(reference.prefix(100))' leads nowhere in this schema.")
    }
}
