internal import CSimdjson

extension JSONValue {
    /// The member of that name; of several, the last, as nearly every other reader has it. Nil as well where the value
    /// is no object.
    package subscript(key: StaticString) -> JSONValue? {
        key.withUTF8Buffer { unsafe member(UnsafeRawBufferPointer($0)) }
    }

    /// The member whose name is known only at run time.
    package func member(named key: String) -> JSONValue? {
        var key = key
        return key.withUTF8 { unsafe member(UnsafeRawBufferPointer($0)) }
    }

    /// The array's element at that place, nil behind the end. Walks over those before it.
    package subscript(position: Int) -> JSONValue? {
        var left = position
        for element in elements {
            if left == 0 { return element }
            left -= 1
        }
        return nil
    }

    /// The array's elements; none where the value is no array.
    package var elements: JSONElements { JSONElements(self) }

    /// The object's members in source order, repeated names included; none where the value is no object.
    package var members: JSONMembers { JSONMembers(self) }

    /// How many elements or members there are. Walks over them.
    package var count: Int {
        switch node.kind {
        case CSIMDJSON_ARRAY: elements.reduce(0) { count, _ in count + 1 }
        case CSIMDJSON_OBJECT: members.reduce(0) { count, _ in count + 1 }
        default: 0
        }
    }

    private func member(_ key: UnsafeRawBufferPointer) -> JSONValue? {
        let nodes = text.nodes
        guard nodes[index].kind == CSIMDJSON_OBJECT else { return nil }
        let end = Int(nodes[index].next)
        var found: Int?
        var place = index + 1
        while place < end {
            if unsafe text.string(nodes[place], equals: key) { found = place + 1 }
            place = Int(nodes[place + 1].next)
        }
        return found.map { JSONValue(text: text, index: $0) }
    }
}

/// The elements of an array.
package struct JSONElements: Sequence, IteratorProtocol {
    private let text: JSONText
    private var place: Int
    private let end: Int

    init(_ array: JSONValue) {
        let node = array.node
        text = array.text
        place = array.index + 1
        end = node.kind == CSIMDJSON_ARRAY ? Int(node.next) : place
    }

    package mutating func next() -> JSONValue? {
        guard place < end else { return nil }
        defer { place = Int(text.nodes[place].next) }
        return JSONValue(text: text, index: place)
    }
}

/// The members of an object; each key is a string value.
package struct JSONMembers: Sequence, IteratorProtocol {
    private let text: JSONText
    private var place: Int
    private let end: Int

    init(_ object: JSONValue) {
        let node = object.node
        text = object.text
        place = object.index + 1
        end = node.kind == CSIMDJSON_OBJECT ? Int(node.next) : place
    }

    package mutating func next() -> (key: JSONValue, value: JSONValue)? {
        guard place < end else { return nil }
        defer { place = Int(text.nodes[place + 1].next) }
        return (JSONValue(text: text, index: place), JSONValue(text: text, index: place + 1))
    }
}
