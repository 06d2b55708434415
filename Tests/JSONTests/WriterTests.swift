import Core
import JSON
import Testing

@Suite struct WriterTests {
    @Test("Commas stand between values and nowhere else")
    func commas() throws {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("empty")
        writer.beginArray()
        writer.endArray()
        writer.key("none")
        writer.beginObject()
        writer.endObject()
        writer.key("list")
        writer.beginArray()
        writer.integer(1)
        writer.string("two")
        writer.beginArray()
        writer.null()
        writer.bool(true)
        writer.endArray()
        writer.beginObject()
        writer.key("a" as String)
        writer.double(0.5)
        writer.key("b\"" as String)
        writer.raw(.bytes(Array("[1,2]".utf8)))
        writer.endObject()
        writer.raw(.literal("{}"))
        writer.endArray()
        writer.member("text", "x")
        writer.member("number", -3)
        writer.member("flag", false)
        writer.member("raw", .null)
        writer.endObject()
        let text = writer.take()
        #expect(
            text.text == #"{"empty":[],"none":{},"list":[1,"two",[null,true],{"a":0.5,"b\"":[1,2]},{}],"#
                + #""text":"x","number":-3,"flag":false,"raw":null}"#
        )
        _ = try JSONDocument(parsing: text)
        writer.bool(true)
        #expect(writer.take().text == "true")
    }

    @Test("Everything that must be escaped is, everything else is copied")
    func escapes() throws {
        let text =
            String(String.UnicodeScalarView((UInt32(0)..<0x300).compactMap(Unicode.Scalar.init)))
            + "\u{2028}😀\u{10FFFF}"
        var writer = JSONWriter()
        writer.beginArray()
        writer.string(text)
        writer.string(utf8: Array(text.utf8)[...])
        writer.string("")
        writer.string("\u{8}\t\n\u{C}\r\"\\/\u{0}\u{1F}\u{7F}é")
        writer.endArray()
        let bytes = writer.take()
        let root = try JSONDocument(parsing: bytes).root
        #expect(root[0]?.equals(text) == true)
        #expect(root[1]?.equals(text) == true)
        #expect(root[2]?.raw.text == #""""#)
        #expect(root[3]?.raw.text == #""\b\t\n\f\r\"\\/\u0000\u001f"# + "\u{7F}é\"")
    }

    @Test("What JSON cannot say is null", arguments: [Double.nan, .infinity, -.infinity, .signalingNaN])
    func notANumber(number: Double) {
        var writer = JSONWriter()
        writer.double(number)
        #expect(writer.take().text == "null")
    }

    @Test("Integers of all widths are exact")
    func integers() {
        var writer = JSONWriter()
        writer.beginArray()
        for number in [0, 9, 10, -1, Int.max, Int.min] { writer.integer(number) }
        writer.endArray()
        #expect(writer.take().text == "[0,9,10,-1,9223372036854775807,-9223372036854775808]")
    }

    @Test("A parsed value is written as its sender wrote it")
    func values() throws {
        let root = try JSONDocument(parsing: Array(#"{"a":1.50,"b":["\u0041", 1e-7 ]}"#.utf8)).root
        var writer = JSONWriter()
        writer.beginArray()
        for (key, value) in root.members {
            writer.value(key)
            writer.value(value)
        }
        writer.endArray()
        #expect(writer.take().text == #"["a",1.50,"b",["\u0041", 1e-7 ]]"#)
    }

    @Test("A buffer is continued, also when the writing fails")
    func continuing() {
        struct Failure: Error {}
        var buffer = ByteBuffer("data: ")
        buffer.appendJSON { $0.integer(1) }
        buffer.append("\n" as StaticString)
        #expect(throws: Failure.self) {
            try buffer.appendJSON { (writer: inout JSONWriter) throws(Failure) in
                writer.beginArray()
                throw Failure()
            }
        }
        #expect(buffer.readable.text == "data: 1\n[")
    }

    @Test("Fragments are ready values")
    func fragments() {
        var writer = JSONWriter()
        writer.beginArray()
        for fragment: JSONFragment in [
            .true, .false, .null, .string("a\"b"), .integer(-5), .slice([0x31, 0x32][1...]),
        ] {
            writer.raw(fragment)
        }
        writer.endArray()
        #expect(writer.take().text == #"[true,false,null,"a\"b",-5,2]"#)
    }
}
