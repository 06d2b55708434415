internal import Core
internal import JSON

extension ByteBuffer {
    /// Appends a named event whose payload is the object that `members` fills; its `type` is the name.
    mutating func appendEvent(_ name: StaticString, _ members: (inout JSONWriter) -> Void) {
        append("event: " as StaticString)
        append(name)
        append("\ndata: {\"type\":\"" as StaticString)
        append(name)
        append("\"" as StaticString)
        appendJSON(afterMember: true, members)
        append("}\n\n" as StaticString)
    }
}

extension JSONWriter {
    /// An object as the member's value.
    mutating func object(_ name: StaticString, _ members: (inout JSONWriter) -> Void) {
        key(name)
        object(members)
    }

    mutating func object(_ members: (inout JSONWriter) -> Void) {
        beginObject()
        members(&self)
        endObject()
    }

    mutating func array(_ name: StaticString, _ elements: (inout JSONWriter) -> Void) {
        key(name)
        beginArray()
        elements(&self)
        endArray()
    }

    /// A parsed value as the member's, exactly as it was written.
    mutating func member(_ name: StaticString, _ value: JSONValue) {
        key(name)
        self.value(value)
    }
}
