internal import Core

/// Walks an object's source once and copies what lies between the changes in as few pieces as possible.
struct JSONEditor {
    private let text: JSONText
    /// Everything before this offset has been copied or dropped.
    private var copied: Int

    init(_ text: JSONText, from start: Int) {
        self.text = text
        copied = start
    }

    mutating func copy(upTo end: Int, into buffer: inout ByteBuffer) {
        guard end > copied else { return }
        buffer.append(text.source[copied..<end])
        copied = end
    }

    /// A member owns the comma and the space before it, so a removed one leaves its neighbours' alone.
    mutating func edit(_ object: JSONValue, _ edits: [JSONEdit], into buffer: inout ByteBuffer) {
        precondition(edits.count <= UInt64.bitWidth, "more edits than the set of applied ones can hold")
        var applied: UInt64 = 0
        var keepsAny = false
        let opening = object.sourceRange.lowerBound + 1
        var gap = opening
        for (key, value) in object.members {
            let range = key.sourceRange.lowerBound..<value.sourceRange.upperBound
            let place = Self.place(of: key, in: edits)
            if let place { applied |= 1 << UInt64(place) }
            if let place, case .remove = edits[place] {
                // The space behind the brace stays for whoever becomes the first.
                copy(upTo: gap == opening ? range.lowerBound : gap, into: &buffer)
                copied = range.upperBound
            } else {
                // All before it are gone, and so must be its comma.
                if !keepsAny, copied >= gap { copied = range.lowerBound }
                keepsAny = true
                if let place { change(value, edits[place], into: &buffer) }
            }
            gap = range.upperBound
        }
        for place in edits.indices where applied & 1 << UInt64(place) == 0 && edits[place].inserts {
            copy(upTo: gap, into: &buffer)
            if keepsAny { buffer.append(UInt8(ascii: ",")) }
            keepsAny = true
            Self.write(edits[place], into: &buffer)
        }
    }

    private mutating func change(_ value: JSONValue, _ edit: JSONEdit, into buffer: inout ByteBuffer) {
        if case .edit(_, let edits) = edit, value.isObject {
            self.edit(value, edits, into: &buffer)
        } else if edit.inserts {
            copy(upTo: value.sourceRange.lowerBound, into: &buffer)
            Self.writeValue(edit, into: &buffer)
            copied = value.sourceRange.upperBound
        }
    }

    private static func place(of key: JSONValue, in edits: [JSONEdit]) -> Int? {
        for place in edits.indices where key.equals(edits[place].key) { return place }
        return nil
    }

    private static func write(_ edit: JSONEdit, into buffer: inout ByteBuffer) {
        buffer.append(UInt8(ascii: "\""))
        buffer.append(edit.key)
        buffer.append("\":" as StaticString)
        writeValue(edit, into: &buffer)
    }

    private static func writeValue(_ edit: JSONEdit, into buffer: inout ByteBuffer) {
        switch edit {
        case .set(_, let value):
            buffer.append(value)
        case .edit(_, let edits):
            var separator: StaticString = "{"
            for edit in edits where edit.inserts {
                buffer.append(separator)
                separator = ","
                write(edit, into: &buffer)
            }
            buffer.append(UInt8(ascii: "}"))
        case .remove:
            preconditionFailure("a removal has nothing to write")
        }
    }
}
