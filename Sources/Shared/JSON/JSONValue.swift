internal import CSimdjson

/// What a JSON value can be.
package enum JSONKind: Sendable {
    case null, bool, number, string, array, object
}

/// A value within a parsed text: a cursor of one reference and an index, cheap to copy and safe to keep; it keeps the
/// whole text alive.
///
/// Accessors never fail: asked for what the value is not, they return nil.
package struct JSONValue: Sendable {
    let text: JSONText
    let index: Int

    var node: JSONNode { text.nodes[index] }

    package var kind: JSONKind {
        switch node.kind {
        case CSIMDJSON_NULL: .null
        case CSIMDJSON_FALSE, CSIMDJSON_TRUE: .bool
        case CSIMDJSON_NUMBER: .number
        case CSIMDJSON_STRING: .string
        case CSIMDJSON_ARRAY: .array
        default: .object
        }
    }

    package var isNull: Bool { node.kind == CSIMDJSON_NULL }
    package var isNumber: Bool { node.kind == CSIMDJSON_NUMBER }
    package var isString: Bool { node.kind == CSIMDJSON_STRING }
    package var isArray: Bool { node.kind == CSIMDJSON_ARRAY }
    package var isObject: Bool { node.kind == CSIMDJSON_OBJECT }

    package var bool: Bool? {
        switch node.kind {
        case CSIMDJSON_TRUE: true
        case CSIMDJSON_FALSE: false
        default: nil
        }
    }

    /// Where the value stands in its source; a string's quotes belong to it.
    package var sourceRange: Range<Int> { node.range }

    /// The value exactly as its sender wrote it.
    package var raw: ArraySlice<UInt8> { text.source[node.range] }
}

extension JSONNode {
    var range: Range<Int> { Int(start)..<Int(end) }
    /// A string's range without its quotes.
    var contents: Range<Int> { Int(start) + 1..<Int(end) - 1 }
}
