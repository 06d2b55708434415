internal import JSON

/// The JSON values of one line: one as a rule, but several behind one another have been seen.
enum JSONRun {
    private static let most = 64

    static func values(_ bytes: ArraySlice<UInt8>) -> [JSONValue] {
        if let document = try? JSONDocument(parsing: Array(bytes)) { return [document.root] }
        var values: [JSONValue] = []
        var rest = bytes
        while values.count < most, let end = endOfValue(rest) {
            // What is no JSON says nothing: dates and the like keep lines alive.
            guard let document = try? JSONDocument(parsing: Array(rest[..<end])) else { return values }
            values.append(document.root)
            rest = rest[end...]
        }
        return values
    }

    /// Where the object or array that comes first ends.
    private static func endOfValue(_ bytes: ArraySlice<UInt8>) -> Int? {
        var depth = 0
        var isInString = false
        var isEscaped = false
        for (place, byte) in zip(bytes.indices, bytes) {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""):
                if depth == 0 { return nil }
                isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth <= 0 { return depth == 0 ? place + 1 : nil }
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): break
            default: if depth == 0 { return nil }
            }
        }
        return nil
    }
}
