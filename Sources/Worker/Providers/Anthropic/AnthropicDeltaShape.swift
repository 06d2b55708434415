internal import Glibc
internal import JSON

/// The shape that the pieces of a block have in common, as `ChunkShape` knows it of OpenAI's chunks: once one has been
/// parsed, the next are compared with the bytes before their text, and the text itself goes on unparsed.
struct AnthropicDeltaShape: Sendable {
    enum Kind: Sendable { case text, thinking }

    private(set) var kind = Kind.text
    /// The event up to its text; empty while no shape is known.
    private var prefix: [UInt8] = []

    var isKnown: Bool { !prefix.isEmpty }

    mutating func forget() {
        if isKnown { prefix.removeAll(keepingCapacity: true) }
    }

    /// Remembers the shape of `event`, whose payload begins at `payload` and holds `text`. Only where nothing follows the
    /// text but the ends of the delta and the event is the rest of an event of this shape known.
    mutating func learn(_ kind: Kind, _ text: JSONValue, payload: Range<Int>, in event: ArraySlice<UInt8>) {
        guard !isKnown else { return }
        let start = payload.lowerBound + text.sourceRange.lowerBound + 1
        let end = payload.lowerBound + text.sourceRange.upperBound - 1
        guard unsafe event[end...].withUnsafeBytes({ unsafe Self.endOfEvent(in: $0, from: 0) == $0.count }) else {
            return
        }
        self.kind = kind
        prefix.append(contentsOf: event[..<start])
    }

    /// The event of this shape at `place`: where its text is, and where the event ends.
    func event(in stream: UnsafeRawBufferPointer, at place: Int) -> (text: Range<Int>, end: Int)? {
        guard stream.count - place > prefix.count, let given = stream.baseAddress else { return nil }
        let fits = unsafe prefix.withUnsafeBytes { known in
            unsafe known.baseAddress.map { unsafe memcmp($0, given + place, known.count) == 0 } ?? false
        }
        guard fits else { return nil }
        let start = place + prefix.count
        let end = unsafe ChunkShape.endOfText(in: stream, from: start)
        // An empty piece is left to those who know what it means.
        guard end > start, let next = unsafe Self.endOfEvent(in: stream, from: end) else { return nil }
        return (start..<end, next)
    }

    /// Behind `"}}` and an empty line; the vendor pads its objects with any number of blanks.
    private static func endOfEvent(in stream: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var place = start
        for byte in #""}}"#.utf8 {
            while byte != UInt8(ascii: "\""), place < stream.count, unsafe stream[place] == UInt8(ascii: " ") {
                place += 1
            }
            guard place < stream.count, unsafe stream[place] == byte else { return nil }
            place += 1
        }
        while place < stream.count, unsafe stream[place] == UInt8(ascii: " ") { place += 1 }
        guard stream.count - place >= 2, unsafe stream[place] == 0x0A, unsafe stream[place + 1] == 0x0A else {
            return nil
        }
        return place + 2
    }
}
