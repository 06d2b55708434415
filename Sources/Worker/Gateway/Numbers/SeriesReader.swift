/// Walks over the lines of a snapshot. Only what this program writes itself passes: no blanks to spare, the label `worker`
/// first, every value a number.
struct SeriesReader {
    private let bytes: ArraySlice<UInt8>
    private var place: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        place = bytes.startIndex
    }

    var isAtEnd: Bool { place == bytes.endIndex }

    /// The next line without its end; nil when there is none or when its end is missing.
    mutating func line() -> ArraySlice<UInt8>? {
        guard let end = bytes[place...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        defer { place = end + 1 }
        return bytes[place..<end]
    }

    /// All following lines that are no comments, which must be series of that family; nil when one is not.
    mutating func series(of name: String, _ kind: MetricFamily.Kind, worker: String) -> ArraySlice<UInt8>? {
        let start = place
        let suffixes: [StaticString] =
            switch kind {
            case .counter, .gauge: [""]
            case .histogram: ["_bucket", "_sum", "_count"]
            }
        let stems = suffixes.map { Array("\(name)\($0){worker=\"\(worker)\"".utf8) }
        while !isAtEnd, bytes[place] != UInt8(ascii: "#") {
            guard let stem = stems.first(where: { takes($0) }) else { return nil }
            place += stem.count
            guard labels(), number() else { return nil }
        }
        return bytes[start..<place]
    }

    private func takes(_ text: [UInt8]) -> Bool {
        guard bytes.endIndex - place >= text.count else { return false }
        var offset = 0
        while offset < text.count {
            if bytes[place + offset] != text[offset] { return false }
            offset += 1
        }
        return true
    }

    private var next: UInt8? { place < bytes.endIndex ? bytes[place] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        place += 1
        return true
    }

    /// `,name="value"` any number of times, then `} `.
    private mutating func labels() -> Bool {
        while take(UInt8(ascii: ",")) {
            let start = place
            while let byte = next, byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) {
                place += 1
            }
            guard place > start, take(UInt8(ascii: "=")), take(UInt8(ascii: "\"")), quoted() else { return false }
        }
        return take(UInt8(ascii: "}")) && take(UInt8(ascii: " "))
    }

    /// The rest of a quoted value.
    private mutating func quoted() -> Bool {
        while let byte = next {
            place += 1
            switch byte {
            case UInt8(ascii: "\""): return true
            case UInt8(ascii: "\n"): return false
            case UInt8(ascii: "\\"):
                guard let escaped = next, "\\\"n".utf8.contains(escaped) else { return false }
                place += 1
            default: continue
            }
        }
        return false
    }

    /// A number and the end of the line.
    private mutating func number() -> Bool {
        let start = place
        while let byte = next, byte != UInt8(ascii: "\n") { place += 1 }
        let word = bytes[start..<place]
        guard !word.isEmpty, word.count <= 32, take(UInt8(ascii: "\n")) else { return false }
        if word.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) { return true }
        if ["NaN", "+Inf", "-Inf"].contains(where: { word.elementsEqual($0.utf8) }) { return true }
        // Hexadecimal numbers and names of numbers are Swift's, not Prometheus'.
        guard word.allSatisfy({ "0123456789+-.e".utf8.contains($0) }) else { return false }
        return Double(String(decoding: word, as: UTF8.self)) != nil
    }
}
