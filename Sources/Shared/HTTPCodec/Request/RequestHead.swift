/// A request without its body: one copy of the head's bytes, and where things lie in it.
package struct RequestHead: Sendable {
    /// How the end of the body is found.
    package enum Framing: Sendable, Equatable {
        case none
        case length(Int)
        case chunked
    }

    /// The request line and the header fields as they came, up to and with the empty line.
    package let bytes: [UInt8]
    package let framing: Framing
    /// Whether the connection may carry another request after this one.
    package let keepsAlive: Bool
    /// Whether the client waits for `100 Continue` before it sends the body.
    package let expectsContinue: Bool
    private let line: RequestLine
    private let fields: [FieldLine]

    init(
        bytes: [UInt8],
        line: RequestLine,
        fields: [FieldLine],
        framing: Framing,
        keepsAlive: Bool,
        expectsContinue: Bool
    ) {
        self.bytes = bytes
        self.line = line
        self.fields = fields
        self.framing = framing
        self.keepsAlive = keepsAlive
        self.expectsContinue = expectsContinue
    }

    package var method: HTTPMethod { line.method }
    /// 0 or 1: the version is always HTTP/1.
    package var minorVersion: Int { line.minorVersion }
    /// The whole target as sent.
    package var target: ArraySlice<UInt8> { bytes[line.target.range] }
    /// Still percent-encoded; begins with a slash, or is the asterisk of OPTIONS.
    package var path: ArraySlice<UInt8> { bytes[line.path.range] }
    /// What follows the question mark, still encoded; nil without one.
    package var query: ArraySlice<UInt8>? { line.query.map { bytes[$0.range] } }

    /// The value of the first field of that name, without the blanks around it; `name` must be lower case.
    package func first(_ name: StaticString) -> ArraySlice<UInt8>? {
        for field in fields where field.name.count == name.utf8CodeUnitCount {
            if bytes.span.equalsIgnoringCase(field.name.range, name) { return bytes[field.value.range] }
        }
        return nil
    }

    /// How many fields have that name; `name` must be lower case.
    package func count(of name: StaticString) -> Int {
        fields.count { bytes.span.equalsIgnoringCase($0.name.range, name) }
    }

    /// All fields in the order they came.
    package var headers: Headers { Headers(bytes: bytes, fields: fields) }

    package struct Headers: RandomAccessCollection, Sendable {
        package typealias Element = (name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)

        let bytes: [UInt8]
        let fields: [FieldLine]

        package var startIndex: Int { 0 }
        package var endIndex: Int { fields.count }
        package subscript(index: Int) -> Element {
            (bytes[fields[index].name.range], bytes[fields[index].value.range])
        }
    }
}
