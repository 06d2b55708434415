internal import JSON

/// Makes JSON of what a model took for it: closes what is open at the end, drops commas before brackets, and escapes line
/// breaks that stand in strings as they are. One pass; whether the outcome is valid is the parser's to say.
struct ArgumentRepair {
    private var output: [UInt8] = []
    private var closers: [UInt8] = []
    private var isInString = false
    private var isEscaped = false
    /// Digits that a `\u` still lacks.
    private var digits = 0
    private var escapeStart = 0

    /// The value as an object's JSON text, unless it is none even then.
    static func object(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        value(text).flatMap { $0.document.root.isObject ? Array($0.document.root.raw) : nil }
    }

    /// The text as it is, if that is valid, else repaired.
    static func value(_ text: ArraySlice<UInt8>) -> (document: JSONDocument, isRepaired: Bool)? {
        if let document = try? JSONDocument(parsing: Array(text)) { return (document, false) }
        return (try? JSONDocument(parsing: repaired(text))).map { ($0, true) }
    }

    static func repaired(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var repair = ArgumentRepair()
        repair.output.reserveCapacity(text.count + 16)
        for byte in text {
            if repair.isInString { repair.takeInString(byte) } else { repair.takeOutside(byte) }
        }
        return repair.finished()
    }

    private mutating func takeInString(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
            digits = byte == UInt8(ascii: "u") ? 4 : 0
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
            escapeStart = output.count
        } else if byte == UInt8(ascii: "\"") {
            isInString = false
        } else if digits > 0 {
            digits -= 1
        }
        if byte < 0x20 { escape(byte) } else { output.append(byte) }
    }

    private mutating func escape(_ control: UInt8) {
        var writer = JSONWriter()
        writer.string(utf8: [control])
        output += writer.take().dropFirst().dropLast()
    }

    private mutating func takeOutside(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""):
            isInString = true
            digits = 0
        case UInt8(ascii: "{"): closers.append(UInt8(ascii: "}"))
        case UInt8(ascii: "["): closers.append(UInt8(ascii: "]"))
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            dropComma()
            if closers.last == byte { closers.removeLast() }
        default: break
        }
        output.append(byte)
    }

    private mutating func finished() -> [UInt8] {
        if isInString {
            // Half an escape is none.
            if isEscaped || digits > 0 { output.removeSubrange(escapeStart...) }
            output.append(UInt8(ascii: "\""))
        } else {
            while let last = output.last, Blank.isBlank(last) { output.removeLast() }
            dropComma()
        }
        return output + closers.reversed()
    }

    private mutating func dropComma() {
        guard let last = output.lastIndex(where: { !Blank.isBlank($0) }), output[last] == UInt8(ascii: ",") else {
            return
        }
        output.remove(at: last)
    }
}
