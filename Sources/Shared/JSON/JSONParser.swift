/// Reads texts that are looked at and forgotten, such as the chunks of a stream, in the same memory again and again:
/// once that has grown, a parse allocates nothing.
///
/// The values may be kept nevertheless. As long as one lives, its text is left alone and the next parse takes new
/// memory; to profit, let go of the values before parsing again. Not for use by several threads.
package final class JSONParser {
    private let limits: JSONLimits
    private var text = JSONText()

    /// What is kept between parses; more is given back.
    private static let keptBytes = 256 << 10

    package init(limits: JSONLimits = JSONLimits()) {
        self.limits = limits
    }

    /// Copies the bytes and returns the value they spell.
    package func parse(_ bytes: ArraySlice<UInt8>) throws(JSONError) -> JSONValue {
        if !isKnownUniquelyReferenced(&text) || text.footprint > Self.keptBytes { text = JSONText() }
        try text.refill(bytes, limits: limits)
        return JSONValue(text: text, index: 0)
    }

    package func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
        try parse(bytes[...])
    }
}
