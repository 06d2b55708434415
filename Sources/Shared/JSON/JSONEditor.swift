internal import CSimdjson
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
        buffer.append(copying: text.source[copied..<end])
        copied = end
    }

    /// Edits the object whose node has that index. Walks the nodes themselves: making a value of each member would cost
    /// more than all else.
    ///
    /// A member owns the comma and the space before it, so a removed one leaves its neighbours' alone.
    mutating func edit(objectAt index: Int, _ edits: [JSONEdit], into buffer: inout ByteBuffer) {
        precondition(edits.count <= UInt64.bitWidth, "more edits than the set of applied ones can hold")
        var applied: UInt64 = 0
        var keepsAny = false
        let opening = Int(text.nodes[index].start) + 1
        let end = Int(text.nodes[index].next)
        var gap = opening
        var key = index + 1
        while key < end {
            let range = Int(text.nodes[key].start)..<Int(text.nodes[key + 1].end)
            let place = place(of: text.nodes[key], in: edits)
            if let place { applied |= 1 << UInt64(place) }
            if let place, case .remove = edits[place] {
                // The space behind the brace stays for whoever becomes the first.
                copy(upTo: gap == opening ? range.lowerBound : gap, into: &buffer)
                copied = range.upperBound
            } else {
                // All before it are gone, and so must be its comma.
                if !keepsAny, copied >= gap { copied = range.lowerBound }
                keepsAny = true
                if let place { change(valueAt: key + 1, edits[place], into: &buffer) }
            }
            gap = range.upperBound
            key = Int(text.nodes[key + 1].next)
        }
        for place in edits.indices where applied & 1 << UInt64(place) == 0 && edits[place].inserts {
            copy(upTo: gap, into: &buffer)
            if keepsAny { buffer.append(UInt8(ascii: ",")) }
            keepsAny = true
            Self.write(edits[place], into: &buffer)
        }
    }

    private mutating func change(valueAt index: Int, _ edit: JSONEdit, into buffer: inout ByteBuffer) {
        let node = text.nodes[index]
        if case .edit(_, let edits) = edit, node.kind == CSIMDJSON_OBJECT {
            self.edit(objectAt: index, edits, into: &buffer)
        } else if edit.inserts {
            copy(upTo: Int(node.start), into: &buffer)
            Self.writeValue(edit, into: &buffer)
            copied = Int(node.end)
        }
    }

    private func place(of key: JSONNode, in edits: [JSONEdit]) -> Int? {
        for place in edits.indices {
            let isNamed = edits[place].key.withUTF8Buffer {
                unsafe text.string(key, equals: UnsafeRawBufferPointer($0))
            }
            if isNamed { return place }
        }
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
