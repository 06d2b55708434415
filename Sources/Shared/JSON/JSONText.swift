internal import CSimdjson

typealias JSONNode = csimdjson_node

/// A text and the nodes of its values: what every `JSONValue` of it shares, so that a value is one reference and an
/// index.
///
/// `@unchecked Sendable`: it changes only in `JSONParser`, and there only while nobody else holds a reference.
final class JSONText: @unchecked Sendable {
    private(set) var source: [UInt8]
    private(set) var nodes: [JSONNode] = []

    /// Parses a text that is kept.
    init(_ source: [UInt8], limits: JSONLimits) throws(JSONError) {
        self.source = source
        var refused: JSONError?
        unsafe source.withUnsafeBufferPointer { text in
            let (capacity, error) = unsafe Self.scan(text, limits)
            refused = error
            guard error == nil else { return }
            nodes = unsafe [JSONNode](unsafeUninitializedCapacity: capacity) { room, count in
                let (built, error) = unsafe Self.build(text, limits, room)
                (count, refused) = (built, error)
            }
        }
        if let refused { throw refused }
    }

    /// An empty text, to be filled.
    init() { source = [] }

    /// Replaces the text by another one, in the memory of the earlier.
    func refill(_ bytes: ArraySlice<UInt8>, limits: JSONLimits) throws(JSONError) {
        source.removeAll(keepingCapacity: true)
        source.append(contentsOf: bytes)
        var room = nodes
        nodes = []
        let refused: JSONError? = unsafe source.withUnsafeBufferPointer { text in
            let (capacity, error) = unsafe Self.scan(text, limits)
            if let error { return error }
            if room.count < capacity {
                room.append(contentsOf: repeatElement(JSONNode(), count: capacity - room.count))
            }
            return unsafe room.withUnsafeMutableBufferPointer { unsafe Self.build(text, limits, $0).error }
        }
        nodes = room
        if let refused { throw refused }
    }

    /// The memory it holds.
    var footprint: Int { source.capacity + nodes.capacity * MemoryLayout<JSONNode>.stride }

    /// How many nodes there can be at most.
    private static func scan(
        _ text: UnsafeBufferPointer<UInt8>,
        _ limits: JSONLimits
    ) -> (capacity: Int, error: JSONError?) {
        guard text.count <= limits.bytes else { return (0, JSONError(.tooLong, offset: limits.bytes)) }
        let outcome = unsafe csimdjson_scan(text.baseAddress, text.count)
        return (min(Int(outcome.count), limits.values), JSONError(outcome))
    }

    private static func build(
        _ text: UnsafeBufferPointer<UInt8>,
        _ limits: JSONLimits,
        _ room: UnsafeMutableBufferPointer<JSONNode>
    ) -> (count: Int, error: JSONError?) {
        // Both have an address: an empty text does not get past the scan, and one token needs room for one node.
        guard let start = text.baseAddress, let nodes = room.baseAddress else {
            return (0, JSONError(.empty, offset: 0))
        }
        let capacity = UInt32(clamping: min(room.count, limits.values))
        let outcome = unsafe csimdjson_build(start, UInt32(clamping: limits.depth), nodes, capacity)
        return (Int(outcome.count), JSONError(outcome))
    }
}
