/// Makes valid documents of every shape, and spoils them.
struct RandomJSON {
    private var generator: FixedGenerator
    private static let pieces: [String] = [
        "a", "Z", " ", "é", "€", "😀", "\u{7F}", "\u{2028}", "\u{FFFF}", "/", "{", "]", ",", ":", #"\""#, #"\\"#, #"\/"#,
        #"\b"#,
        #"\f"#, #"\n"#, #"\r"#, #"\t"#, #"\u0000"#, #"\u00e9"#, #"\uABCD"#, #"\ud83d\ude00"#, #"\ud83d"#, #"\ude00"#,
        "text",
    ]
    private static let numbers: [String] = [
        "0", "-0", "1", "-1", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
        "18446744073709551615",
        "12345678901234567890123456789012345678901234567890", "0.1", "-0.0", "1e-7", "1E+5", "1.0", "2.5e-3", "1e308",
        "1e309",
        "-1e400", "1e-400", "4.9e-324", "0.30000000000000004", "9007199254740993.0", "2.2250738585072011e-308", "1e23",
    ]
    private static let spoilers: [UInt8] =
        Array("{}[],:\"\\0-.eEtnu \n\t/'x".utf8) + [0x00, 0x0C, 0x1A, 0x1F, 0x80, 0xC3, 0xED, 0xFF]

    init(seed: UInt64) { generator = FixedGenerator(seed: seed) }

    mutating func document() -> [UInt8] { Array((space() + value(5) + space()).utf8) }

    /// Changes, drops, repeats or swaps a few bytes; what comes out may still be valid.
    mutating func spoiled(_ document: [UInt8]) -> [UInt8] {
        var bytes = document
        for _ in 0..<Int.random(in: 1...2, using: &generator) where !bytes.isEmpty {
            let place = Int.random(in: bytes.indices, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes[place] = Self.spoilers.randomElement(using: &generator) ?? 0
            case 1: bytes.insert(Self.spoilers.randomElement(using: &generator) ?? 0, at: place)
            case 2: bytes.remove(at: place)
            case 3: bytes.swapAt(place, Int.random(in: bytes.indices, using: &generator))
            default: bytes.removeLast(bytes.count - place)
            }
        }
        return bytes
    }

    private mutating func value(_ depth: Int) -> String {
        switch Int.random(in: 0..<(depth > 0 ? 10 : 6), using: &generator) {
        case 0: ["null", "true", "false"].randomElement(using: &generator) ?? "null"
        case 1, 2: number()
        case 3, 4, 5: string()
        case 6, 7: list("[", "]") { $0.value(depth - 1) }
        default: list("{", "}") { $0.string() + $0.space() + ":" + $0.space() + $0.value(depth - 1) }
        }
    }

    private mutating func list(_ opening: String, _ closing: String, _ item: (inout RandomJSON) -> String) -> String {
        let items = (0..<Int.random(in: 0...5, using: &generator)).map { _ in space() + item(&self) + space() }
        return opening + (items.isEmpty ? space() : items.joined(separator: ",")) + closing
    }

    private mutating func number() -> String {
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: return Self.numbers.randomElement(using: &generator) ?? "0"
        case 1: return "\(Int64(truncatingIfNeeded: generator.next()) >> Int64.random(in: 0..<64, using: &generator))"
        default:
            let number = Double(bitPattern: generator.next())
            return number.isFinite ? "\(number)" : "7"
        }
    }

    private mutating func string() -> String {
        let count = Int.random(in: 0...9, using: &generator) * Int.random(in: 0...3, using: &generator)
        return "\"" + (0..<count).map { _ in Self.pieces.randomElement(using: &generator) ?? "" }.joined() + "\""
    }

    private mutating func space() -> String {
        ["", "", "", " ", "\n  ", "\t", "\r\n"].randomElement(using: &generator) ?? ""
    }
}
