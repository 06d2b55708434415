internal import Core
package import JSON
package import State

/// Settings as JSON, each value in its own type.
package enum SettingJSON {
    package static func write(_ row: Settings.Row, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("name", row.name)
        writer.key("value")
        write(row.value, row.kind, to: &writer)
        writer.key("default")
        write(row.defaultValue, row.kind, to: &writer)
        writer.member("source", row.source.rawValue)
        writer.member("kind", row.kind.name)
        writer.member("allowed", row.kind.range)
        writer.member("description", row.description)
        writer.endObject()
    }

    static func write(_ change: Settings.Change, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("time", change.time)
        writer.member("by", change.by)
        writer.member("name", change.name)
        writer.member("old", change.old)
        writer.member("new", change.new)
        writer.endObject()
    }

    /// The text a setting is stored as.
    static func text(_ value: JSONValue) -> String { value.string ?? value.raw.text }

    private static func write(_ text: String, _ kind: SettingKind, to writer: inout JSONWriter) {
        switch kind {
        case .int, .seconds, .json:
            // What cannot be read as JSON is shown as the text it is.
            if let document = try? JSONDocument(parsing: Array(text.utf8)) {
                writer.value(document.root)
            } else {
                writer.string(text)
            }
        case .bool: writer.bool(["true", "1", "yes", "on"].contains(text.lowercased()))
        case .text, .choice: writer.string(text)
        }
    }
}
