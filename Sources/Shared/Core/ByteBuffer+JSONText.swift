extension ByteBuffer {
    /// Appends `text` as a JSON string, quotes included.
    ///
    /// Lives here because log lines and error bodies need it below the JSON module.
    package mutating func append(jsonString text: some StringProtocol) {
        append(jsonStringOf: text.utf8)
    }

    /// Appends valid UTF-8 as a JSON string, quotes included.
    package mutating func append(jsonStringOf utf8: some Sequence<UInt8>) {
        append(UInt8(ascii: "\""))
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "\""): append("\\\"" as StaticString)
            case UInt8(ascii: "\\"): append("\\\\" as StaticString)
            case 0x0A: append("\\n" as StaticString)
            case 0x0D: append("\\r" as StaticString)
            case 0x09: append("\\t" as StaticString)
            case 0..<0x20:
                append("\\u00" as StaticString)
                append(byte < 16 ? UInt8(ascii: "0") : UInt8(ascii: "1"))
                let digit = byte & 15
                append(digit < 10 ? 48 + digit : 87 + digit)
            default: append(byte)
            }
        }
        append(UInt8(ascii: "\""))
    }
}
