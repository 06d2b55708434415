package import Core

extension JSONDocument {
    /// The source with members of the root object changed and every other byte as it was. A root that is no object is
    /// returned unchanged.
    package func replacing(_ edits: [JSONEdit]) -> [UInt8] {
        var buffer = ByteBuffer()
        let value = root
        buffer.reserve(source.count + edits.reduce(0) { $0 + $1.growth })
        var editor = JSONEditor(text, from: 0)
        if value.isObject { editor.edit(value, edits, into: &buffer) }
        editor.copy(upTo: source.count, into: &buffer)
        return buffer.take()
    }
}

extension JSONValue {
    /// Appends the value's source with members changed and every other byte as it was. What is no object is appended
    /// unchanged. At most 64 edits an object; of several for one name the first counts.
    package func append(to buffer: inout ByteBuffer, editing edits: [JSONEdit]) {
        var editor = JSONEditor(text, from: sourceRange.lowerBound)
        if isObject { editor.edit(self, edits, into: &buffer) }
        editor.copy(upTo: sourceRange.upperBound, into: &buffer)
    }
}
