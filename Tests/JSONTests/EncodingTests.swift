import JSON
import Testing

@Suite struct EncodingTests {
    static let invalid: [(name: String, bytes: [UInt8])] = [
        ("a lone continuation byte", [0x80]), ("another", [0xBF]), ("two of them", [0x80, 0xBF]),
        ("a two-byte lead alone", [0xC3]), ("followed by ASCII", [0xC3, 0x41]),
        ("by another lead", [0xC3, 0xC3, 0xA9]),
        ("a three-byte sequence cut", [0xE2, 0x82]), ("a four-byte sequence cut", [0xF0, 0x9F, 0x98]),
        ("an overlong slash in two", [0xC0, 0xAF]), ("in three", [0xE0, 0x80, 0xAF]),
        ("in four", [0xF0, 0x80, 0x80, 0xAF]),
        ("an overlong C1", [0xC1, 0xBF]), ("an overlong E0 9F", [0xE0, 0x9F, 0xBF]),
        ("an overlong F0 8F", [0xF0, 0x8F, 0xBF, 0xBF]),
        ("an overlong NUL", [0xC0, 0x80]), ("the first surrogate", [0xED, 0xA0, 0x80]),
        ("the last", [0xED, 0xBF, 0xBF]),
        ("a pair of surrogates", [0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80]),
        ("past the last plane", [0xF4, 0x90, 0x80, 0x80]),
        ("a lead F5", [0xF5, 0x80, 0x80, 0x80]), ("five bytes", [0xF8, 0x88, 0x80, 0x80, 0x80]),
        ("six bytes", [0xFC, 0x84, 0x80, 0x80, 0x80, 0x80]), ("FE", [0xFE]), ("FF", [0xFF]),
        ("a mark of UTF-16", [0xFE, 0xFF]),
    ]

    @Test(
        "Invalid UTF-8 is refused where it starts, at any place relative to the kernel's blocks",
        arguments: invalid.indices
    )
    func invalidUTF8(index: Int) {
        let bytes = Self.invalid[index].bytes
        for padding in 0..<130 {
            let start = Array("[\"é".utf8) + [UInt8](repeating: 0x61, count: padding)
            #expect(throws: JSONError(.invalidUTF8, offset: start.count), "\(Self.invalid[index].name)") {
                try JSONDocument(parsing: start + bytes + Array("\"]".utf8))
            }
        }
    }

    @Test("The edges of each length of UTF-8 are accepted and survive")
    func validUTF8() throws {
        for scalar: Unicode.Scalar in [
            "\u{20}", "\u{7F}", "\u{80}", "\u{7FF}", "\u{800}", "\u{D7FF}", "\u{E000}", "\u{FFFD}", "\u{FFFE}",
            "\u{FFFF}",
            "\u{10000}", "\u{10FFFF}",
        ] {
            for padding in 0..<70 {
                let text = String(repeating: "a", count: padding) + String(Character(scalar))
                let value = try JSONDocument(parsing: Array("\"\(text)\"".utf8)).root
                #expect(value.equals(text))
                #expect(Array(try #require(value.string).utf8) == Array(text.utf8))
            }
        }
    }

    static let escapes: [(escaped: String, decoded: String)] = [
        (#"\""#, "\""), (#"\\"#, "\\"), (#"\/"#, "/"), (#"\b"#, "\u{8}"), (#"\f"#, "\u{C}"), (#"\n"#, "\n"),
        (#"\r"#, "\r"),
        (#"\t"#, "\t"), (#"\u0000"#, "\u{0}"), (#"\u001f"#, "\u{1F}"), (#"\u001F"#, "\u{1F}"), (#"\u0041"#, "A"),
        (#"\u00e9"#, "é"), (#"\u00E9"#, "é"), (#"\u20ac"#, "€"), (#"\uaBcD"#, "\u{ABCD}"), (#"\uFFFF"#, "\u{FFFF}"),
        (#"\ud83d\ude00"#, "😀"), (#"\uD83D\uDE00"#, "😀"), (#"\ud800\udc00"#, "\u{10000}"),
        (#"\udbff\udfff"#, "\u{10FFFF}"), (#"\\u0041"#, "\\u0041"), (#"\\\\"#, "\\\\"), (#"\\\""#, "\\\""),
        (#"\u005c"#, "\\"), (#"\u005cn"#, "\\n"), (#"\u0022"#, "\""),
        // Halves of surrogate pairs.
        (#"\ud83d"#, "\u{FFFD}"), (#"\ude00"#, "\u{FFFD}"), (#"\ud83dx"#, "\u{FFFD}x"), (#"\ud83d\n"#, "\u{FFFD}\n"),
        (#"\ud83d\u0041"#, "\u{FFFD}A"), (#"\ud83d\ud83d\ude00"#, "\u{FFFD}😀"), (#"\ude00\ud83d"#, "\u{FFFD}\u{FFFD}"),
        (#"\ude00\ud83d\ude00"#, "\u{FFFD}😀"), (#"\ud83d\\ude00"#, "\u{FFFD}\\ude00"), (#"\ud83d😀"#, "\u{FFFD}😀"),
        (#"\ud83d\u00e9"#, "\u{FFFD}é"), (#"\ud83d\\"#, "\u{FFFD}\\"),
    ]

    @Test("Every escape is decoded, alone, between others and in keys", arguments: escapes.indices)
    func decodes(index: Int) throws {
        let (escaped, decoded) = Self.escapes[index]
        for (before, after, first, last) in [("", "", "", ""), ("a", "é", "a", "é"), (#"\n"#, #"\t"#, "\n", "\t")] {
            let source = "\"\(before)\(escaped)\(after)\""
            let wanted = first + decoded + last
            let document = try JSONDocument(parsing: Array("{\(source):\(source)}".utf8))
            let (key, value) = try #require(document.root.members.first { _ in true })
            #expect(value.string?.unicodeScalars.map(\.value) == wanted.unicodeScalars.map(\.value))
            #expect(value.equals(wanted) && key.equals(wanted))
            #expect(!value.equals(wanted + "x") && !value.equals(String(wanted.unicodeScalars.dropLast())))
            #expect(document.root.member(named: wanted) != nil)
            #expect(value.raw == ArraySlice(source.utf8))
        }
    }
}
