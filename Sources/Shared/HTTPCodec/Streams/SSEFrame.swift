/// One server-sent event, as places in the reader's bytes.
@usableFromInline package struct SSEFrame: Sendable, Equatable {
    /// The whole event with the empty line that ends it.
    package var range: Range<Int>
    /// The payload, in place, of an event with one data line; nil when there are several.
    package var data: Range<Int>?
    /// The payload of an event with several data lines, joined by line feeds; else empty.
    package var joined: [UInt8] = []
    /// The value of the event's last `event` field.
    package var name: Range<Int>?
    /// Whether the event is exactly `data: `, payload, LF LF: such bytes may be relayed as they are.
    package var isPlain: Bool
}

/// Why a stream's framing was given up.
package enum StreamFramingError: Error, Sendable {
    /// One event or line is larger than the reader was told to hold.
    case tooLarge
}
