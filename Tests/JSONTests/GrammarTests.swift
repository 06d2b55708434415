import JSON
import Testing

@Suite struct GrammarTests {
    static let accepted: [String] = [
        "null", "true", "false", " true ", "\t\r\n null\n", "0", "-0", "1", "-1", "10",
        "123456789012345678901234567890",
        "0.0", "-0.5", "1.25", "1e1", "1E1", "1e+1", "1e-1", "0e0", "0E+00", "1.5e10", "1e-7", "1e999", "\"\"", "\"a\"",
        "\" \"", "\"\u{7F}\"", "\"é€😀\"", "\"\u{2028}\"", "\"/\"", "\"{[,:]}\"", "\"\\\"\"", "\"\\\\\"", "\"\\\\\\\"\"",
        "[]", " [ ] ", "[null]", "[1,2]", "[ 1 , 2 ]", "[[]]", "[[],[]]", "[{}]", "[\"\\\\\",1]", "{}", " { } ",
        "{\"a\":1}", "{ \"a\" : 1 }", "{\"a\":1,\"b\":2}", "{\"\":0}", "{\"a\":{}}", "{\"a\":[]}", "{\"a\":1,\"a\":2}",
        "{\"a\":{\"b\":{\"c\":[1,{\"d\":null}]}}}", "[1\n]", "[\"a\"\n]", "[true\t]", "{\"a\"\n:\n1\n}",
    ]

    @Test("What RFC 8259 allows is accepted", arguments: accepted)
    func accepts(text: String) throws {
        let document = try JSONDocument(parsing: Array(text.utf8))
        let trimmed = text.drop { " \t\r\n".utf8.contains($0.utf8.first ?? 0) }
        #expect(document.source == Array(text.utf8))
        #expect(document.root.sourceRange.lowerBound == text.utf8.count - trimmed.utf8.count)
    }

    typealias Refusal = (text: String, kind: JSONError.Kind, offset: Int)

    static let refused: [Refusal] = [
        ("", .empty, 0), (" ", .empty, 0), ("\n\t\r ", .empty, 0),
        // Literals.
        ("nul", .invalidLiteral, 0), ("nulll", .invalidLiteral, 0), ("Null", .unexpectedCharacter, 0),
        ("tru", .invalidLiteral, 0), ("truee", .invalidLiteral, 0), ("fals", .invalidLiteral, 0),
        ("TRUE", .unexpectedCharacter, 0), ("[true false]", .unexpectedCharacter, 6), ("truefalse", .invalidLiteral, 0),
        ("NaN", .unexpectedCharacter, 0), ("Infinity", .unexpectedCharacter, 0), ("undefined", .unexpectedCharacter, 0),
        ("nullx", .invalidLiteral, 0), ("true\"a\"", .trailingContent, 4), ("true\\", .invalidLiteral, 0),
        ("[n]", .invalidLiteral, 1), ("[nu\u{0}l]", .invalidLiteral, 1),
        // Numbers.
        ("-", .invalidNumber, 0), ("+1", .unexpectedCharacter, 0), ("01", .invalidNumber, 0),
        ("-01", .invalidNumber, 0),
        ("00", .invalidNumber, 0), ("1.", .invalidNumber, 0), (".5", .unexpectedCharacter, 0),
        ("1.e1", .invalidNumber, 0),
        ("1e", .invalidNumber, 0), ("1e+", .invalidNumber, 0), ("1e1.5", .invalidNumber, 0),
        ("1.2.3", .invalidNumber, 0),
        ("0x10", .invalidNumber, 0), ("1a", .invalidNumber, 0), ("1 2", .trailingContent, 2),
        ("--1", .invalidNumber, 0),
        ("-a", .invalidNumber, 0), ("- 1", .invalidNumber, 0), ("1_000", .invalidNumber, 0),
        ("-Infinity", .invalidNumber, 0),
        ("[1e]", .invalidNumber, 1), ("[-]", .invalidNumber, 1), ("１", .unexpectedCharacter, 0),
        ("1\u{0}", .invalidNumber, 0),
        ("1\u{C}", .trailingContent, 1), ("[1\u{B}]", .invalidNumber, 1), ("1é", .invalidNumber, 0),
        // Strings.
        ("\"", .unclosedString, 0), ("\"a", .unclosedString, 0), ("[\"a]", .unclosedString, 1),
        ("\"\\\"", .unclosedString, 0), ("\"a\"b\"", .unclosedString, 4), ("'a'", .unexpectedCharacter, 0),
        ("\"\\x\"", .invalidEscape, 1), ("\"\\'\"", .invalidEscape, 1), ("\"ab\\a\"", .invalidEscape, 3),
        ("\"\\0\"", .invalidEscape, 1), ("\"\\U0041\"", .invalidEscape, 1), ("\"\\ \"", .invalidEscape, 1),
        ("\"\\u\"", .invalidEscape, 1), ("\"\\u0\"", .invalidEscape, 1), ("\"\\u00\"", .invalidEscape, 1),
        ("\"\\u004\"", .invalidEscape, 1), ("\"\\u004g\"", .invalidEscape, 1), ("\"\\u 041\"", .invalidEscape, 1),
        ("\"\\u+041\"", .invalidEscape, 1), ("\"\\n\\u12\"", .invalidEscape, 3), ("\"\\é\"", .invalidEscape, 1),
        ("{\"\\x\":1}", .invalidEscape, 2), ("\\\"a\"", .unclosedString, 3), ("[\\n]", .unexpectedCharacter, 1),
        ("\"a\"\\", .trailingContent, 3), ("\"a\"\"b\"", .trailingContent, 3),
        // Arrays.
        ("[", .unexpectedEnd, 1), ("]", .unexpectedCharacter, 0), ("[1", .unexpectedEnd, 2), ("[1,", .unexpectedEnd, 3),
        ("[1,]", .unexpectedCharacter, 3), ("[,]", .unexpectedCharacter, 1), ("[,1]", .unexpectedCharacter, 1),
        ("[1,,2]", .unexpectedCharacter, 3), ("[1 2]", .unexpectedCharacter, 3), ("[1}", .unexpectedCharacter, 2),
        ("[1:2]", .unexpectedCharacter, 2), ("[]]", .trailingContent, 2), ("[][]", .trailingContent, 2),
        ("[1],", .trailingContent, 3), ("[\"a\":1]", .unexpectedCharacter, 4), ("[1]x", .trailingContent, 3),
        ("[\u{C}1]", .unexpectedCharacter, 1), ("[1/**/]", .invalidNumber, 1), ("[1 //\n]", .unexpectedCharacter, 3),
        // Objects.
        ("{", .unexpectedEnd, 1), ("}", .unexpectedCharacter, 0), ("{\"a\"", .unexpectedEnd, 4),
        ("{\"a\":", .unexpectedEnd, 5), ("{\"a\":1", .unexpectedEnd, 6), ("{\"a\":1,", .unexpectedEnd, 7),
        ("{\"a\":1,}", .unexpectedCharacter, 7), ("{,}", .unexpectedCharacter, 1), ("{a:1}", .unexpectedCharacter, 1),
        ("{1:2}", .unexpectedCharacter, 1), ("{null:1}", .unexpectedCharacter, 1), ("{[]:1}", .unexpectedCharacter, 1),
        ("{\"a\" 1}", .unexpectedCharacter, 5), ("{\"a\":}", .unexpectedCharacter, 5),
        ("{\"a\"}", .unexpectedCharacter, 4),
        ("{\"a\",1}", .unexpectedCharacter, 4), ("{\"a\"::1}", .unexpectedCharacter, 5),
        ("{:1}", .unexpectedCharacter, 1),
        ("{\"a\":1 \"b\":2}", .unexpectedCharacter, 7), ("{\"a\":1]", .unexpectedCharacter, 6),
        ("{\"a\":1}}", .trailingContent, 7), ("{\"a\":1,,\"b\":2}", .unexpectedCharacter, 7),
        ("{\"a\":1;\"b\":2}", .invalidNumber, 5), ("{}{}", .trailingContent, 2),
        ("{\"a\":1:2}", .unexpectedCharacter, 6),
        // Outside of everything.
        ("\u{FEFF}1", .unexpectedCharacter, 0), ("\u{0}", .unexpectedCharacter, 0), ("1\u{A0}", .invalidNumber, 0),
        ("\u{1A}1", .unexpectedCharacter, 0), (",", .unexpectedCharacter, 0), (":", .unexpectedCharacter, 0),
        ("*", .unexpectedCharacter, 0), ("<html>", .unexpectedCharacter, 0), ("data: {}", .unexpectedCharacter, 0),
    ]

    @Test("Everything else is refused, with the reason and the place", arguments: refused.indices)
    func refuses(index: Int) {
        let (text, kind, offset) = Self.refused[index]
        #expect(throws: JSONError(kind, offset: offset), "\(text.debugDescription)") {
            try JSONDocument(parsing: Array(text.utf8))
        }
    }

    @Test("Control characters in strings and keys are refused where they stand", arguments: UInt8(0)..<0x20)
    func controlCharacters(byte: UInt8) {
        let value = [UInt8](#"{"é\"a": "b"#.utf8)
        #expect(throws: JSONError(.controlCharacter, offset: value.count)) {
            try JSONDocument(parsing: value + [byte] + Array("c\"}".utf8))
        }
        #expect(throws: JSONError(.controlCharacter, offset: 2)) {
            try JSONDocument(parsing: Array("{\"".utf8) + [byte] + Array("\":1}".utf8))
        }
    }

    @Test("A document cut anywhere is refused, whatever lies behind it in memory")
    func truncation() throws {
        let whole = Array(Sample.everything.utf8)
        _ = try JSONDocument(parsing: whole)
        for count in 0..<whole.count {
            #expect(throws: JSONError.self) { try JSONDocument(parsing: Array(whole.prefix(count))) }
            let parser = JSONParser()
            #expect(throws: JSONError.self) { try parser.parse(whole[..<count]) }
        }
    }

    @Test("Any byte of a document may be any other: it is refused or walked, never a crash")
    func corruption() {
        let whole = Array(Sample.everything.utf8)
        let parser = JSONParser()
        var acceptedCount = 0
        for place in whole.indices {
            for mask in [UInt8(0x01), 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF] {
                var bytes = whole
                bytes[place] ^= mask
                guard let root = try? parser.parse(bytes) else { continue }
                acceptedCount += 1
                #expect(Canonical.form(root)?.isEmpty == false)
            }
        }
        #expect(acceptedCount > 0)
    }

    @Test("Messages are constant and name the byte")
    func messages() {
        #expect(JSONError(.invalidNumber, offset: 17).description == "invalid JSON at byte 17: invalid number")
        let messages = JSONError.Kind.allCases.map { "\(JSONError($0, offset: 0).message)" }
        #expect(Set(messages).count == messages.count)
        let limits = JSONError.Kind.allCases.filter { JSONError($0, offset: 0).isLimit }
        #expect(limits == [.tooLong, .tooDeep, .tooManyValues, .outOfMemory])
    }
}
