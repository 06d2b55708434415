internal import Core

extension ByteBuffer {
    /// Appends `text` as a JSON string, quotes included.
    mutating func append(escaping text: String) {
        var text = text
        text.withUTF8 { unsafe append(escaping: UnsafeRawBufferPointer($0)) }
    }

    mutating func append(escaping utf8: ArraySlice<UInt8>) {
        unsafe utf8.withUnsafeBytes { unsafe append(escaping: $0) }
    }

    /// Copies the runs between escapes whole: text to escape is the exception.
    private mutating func append(escaping utf8: UnsafeRawBufferPointer) {
        append(UInt8(ascii: "\""))
        var copied = 0
        for place in utf8.indices {
            let byte = unsafe utf8[place]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            unsafe append(UnsafeRawBufferPointer(rebasing: utf8[copied..<place]))
            appendEscape(byte)
            copied = place + 1
        }
        unsafe append(UnsafeRawBufferPointer(rebasing: utf8[copied...]))
        append(UInt8(ascii: "\""))
    }

    private mutating func appendEscape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): append("\\\"" as StaticString)
        case UInt8(ascii: "\\"): append("\\\\" as StaticString)
        case 0x08: append("\\b" as StaticString)
        case 0x09: append("\\t" as StaticString)
        case 0x0A: append("\\n" as StaticString)
        case 0x0C: append("\\f" as StaticString)
        case 0x0D: append("\\r" as StaticString)
        default:
            append(byte < 0x10 ? "\\u000" : "\\u001" as StaticString)
            let digit = byte & 15
            append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}
