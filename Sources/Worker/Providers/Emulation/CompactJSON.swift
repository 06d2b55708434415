internal import JSON

/// JSON without the blanks that people put into it: schemas are sent with every request, and each blank is paid for.
enum CompactJSON {
    static func bytes(_ value: JSONValue) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(value.raw.count)
        var isInString = false
        var isEscaped = false
        for byte in value.raw {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
            } else if Blank.isBlank(byte) {
                continue
            } else if byte == UInt8(ascii: "\"") {
                isInString = true
            }
            output.append(byte)
        }
        return output
    }
}
