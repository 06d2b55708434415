internal import JSON

/// The chunks in a run of plain chat events.
struct ChatEvents: Sequence, IteratorProtocol {
    private var rest: ArraySlice<UInt8>
    private let parser: JSONParser

    init(_ events: ArraySlice<UInt8>, parser: JSONParser) {
        rest = events
        self.parser = parser
    }

    mutating func next() -> JSONValue? {
        while let start = rest.firstIndex(of: UInt8(ascii: "{")) {
            // A payload is one line.
            let end = rest[start...].firstIndex(of: 10) ?? rest.endIndex
            let payload = rest[start..<end]
            rest = rest[end...]
            if let chunk = try? parser.parse(payload), chunk.isObject { return chunk }
        }
        return nil
    }
}
