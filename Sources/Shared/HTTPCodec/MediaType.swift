/// What a `Content-Type` value says about a body, as far as we tell bodies apart.
package enum MediaType: Sendable, Equatable {
    case json
    case eventStream
    case lineDelimitedJSON
    case other

    /// Nil unless the value is a well-formed media type, parameters included.
    package init?(_ value: ArraySlice<UInt8>) {
        let bytes = Array(value)
        let span = bytes.span
        var place = 0
        while place < span.count, span[place].isToken { place += 1 }
        guard place > 0, place < span.count, span[place] == UInt8(ascii: "/") else { return nil }
        let subtypeStart = place + 1
        place = subtypeStart
        while place < span.count, span[place].isToken { place += 1 }
        guard place > subtypeStart, Self.hasOnlyParameters(span, from: place) else { return nil }
        self = Self.kind(span, type: 0..<subtypeStart - 1, subtype: subtypeStart..<place)
    }

    package init?(_ value: String) { self.init(Array(value.utf8)[...]) }

    private static func kind(_ bytes: Span<UInt8>, type: Range<Int>, subtype: Range<Int>) -> MediaType {
        if bytes.equalsIgnoringCase(type, "text"), bytes.equalsIgnoringCase(subtype, "event-stream") {
            return .eventStream
        }
        guard bytes.equalsIgnoringCase(type, "application") else { return .other }
        let lineDelimited: [3 of StaticString] = ["x-ndjson", "ndjson", "jsonl"]
        for index in lineDelimited.indices where bytes.equalsIgnoringCase(subtype, lineDelimited[index]) {
            return .lineDelimitedJSON
        }
        let isJSON = bytes.equalsIgnoringCase(subtype, "json")
        let hasSuffix =
            subtype.count > 5 && bytes.equalsIgnoringCase(subtype.upperBound - 5..<subtype.upperBound, "+json")
        return isJSON || hasSuffix ? .json : .other
    }

    /// `*( OWS ";" OWS [ token "=" ( token / quoted-string ) ] )` up to the end.
    private static func hasOnlyParameters(_ bytes: Span<UInt8>, from start: Int) -> Bool {
        var place = start
        func skipBlanks() { while place < bytes.count, bytes[place].isBlank { place += 1 } }
        func skipToken() -> Bool {
            let tokenStart = place
            while place < bytes.count, bytes[place].isToken { place += 1 }
            return place > tokenStart
        }
        while true {
            skipBlanks()
            guard place < bytes.count else { return true }
            guard bytes[place] == UInt8(ascii: ";") else { return false }
            place += 1
            skipBlanks()
            guard place < bytes.count else { return true }
            if bytes[place] == UInt8(ascii: ";") { continue }
            guard skipToken(), place < bytes.count, bytes[place] == UInt8(ascii: "=") else { return false }
            place += 1
            guard place < bytes.count else { return false }
            if bytes[place] == UInt8(ascii: "\"") {
                place += 1
                while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
                    if bytes[place] == UInt8(ascii: "\\") { place += 1 }
                    guard place < bytes.count, bytes[place] >= 0x20 || bytes[place] == .tab else { return false }
                    place += 1
                }
                guard place < bytes.count else { return false }
                place += 1
            } else if !skipToken() {
                return false
            }
        }
    }
}
