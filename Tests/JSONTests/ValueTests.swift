import Core
import JSON
import Testing

@Suite struct ValueTests {
    private func root(_ text: String) throws -> JSONValue { try JSONDocument(parsing: Array(text.utf8)).root }

    @Test("Each kind is told, and other accessors return nil")
    func kinds() throws {
        let table: [(String, JSONKind)] = [
            ("null", .null), ("true", .bool), ("false", .bool), ("1", .number), ("\"1\"", .string), ("[]", .array),
            ("{}", .object),
        ]
        for (text, kind) in table {
            let value = try root(text)
            #expect(value.kind == kind)
            #expect(value.isNull == (kind == .null))
            #expect(value.isNumber == (kind == .number))
            #expect(value.isString == (kind == .string))
            #expect(value.isArray == (kind == .array))
            #expect(value.isObject == (kind == .object))
            #expect((value.bool != nil) == (kind == .bool))
            #expect((value.int != nil) == (kind == .number))
            #expect((value.double != nil) == (kind == .number))
            #expect((value.string != nil) == (kind == .string))
            #expect(value["a"] == nil && value[0] == nil && value.member(named: "a") == nil && value.count == 0)
        }
        #expect(try root("true").bool == true)
        #expect(try root("false").bool == false)
    }

    @Test("Members and elements are found at any depth, and absent ones are nil")
    func walking() throws {
        let value = try root(Sample.everything)
        #expect(value["model"]?.equals("gpt-4o") == true)
        #expect(value["messages"]?[0]?["role"]?.string == "user")
        #expect(value["messages"]?[0]?["content"]?.string == "héllo \"wörld\" 😀 😀\n")
        #expect(value["messages"]?[1] == nil)
        #expect(value["metadata"]?["a"]?["b"]?[2]?[0]?.int == 3)
        #expect(value[""]?.string == "\\")
        #expect(value["a"] == nil)
        #expect(value["Model"] == nil)
        #expect(value["flags"]?.count == 5)
        #expect(value["flags"]?.elements.map(\.kind) == [.bool, .bool, .null, .array, .object])
        #expect(value["flags"]?[-1] == nil)
        #expect(value.count == 11)
        #expect(
            value.members.map { $0.key.string } == [
                "model", "messages", "temperature", "n", "seed", "big", "flags", "stream", "stream_options", "",
                "metadata",
            ]
        )
    }

    @Test("Of repeated keys the last counts, however they are spelt, and iteration shows them all")
    func repeatedKeys() throws {
        let value = try root(#"{"a":1,"b":2,"a":{"a":3},"\u0061":4,"\u0062x":5}"#)
        #expect(value["a"]?.int == 4)
        #expect(value["b"]?.int == 2)
        #expect(value["bx"]?.int == 5)
        #expect(value.member(named: "a")?.int == 4)
        #expect(value.members.filter { $0.key.equals("a") }.map { $0.value.kind } == [.number, .object, .number])
    }

    @Test("Raw bytes and ranges are the source's own, without the space around")
    func raw() throws {
        let value = try root(#" { "a" : 12345678901234567 , "b" : [ 1e-7, "\u00e9" ] , "c":{ } } "#)
        #expect(value.sourceRange == 1..<65)
        #expect(value["a"]?.raw.text == "12345678901234567")
        #expect(value["b"]?.raw.text == #"[ 1e-7, "\u00e9" ]"#)
        #expect(value["b"]?[1]?.raw.text == #""\u00e9""#)
        #expect(value["c"]?.raw.text == "{ }")
        for (key, value) in value.members { #expect(key.sourceRange.upperBound < value.sourceRange.lowerBound) }
    }

    @Test("Strings compare by content, exactly")
    func comparison() throws {
        let value = try root(#""assistant""#)
        #expect(value.equals("assistant"))
        #expect(
            !value.equals("assistan") && !value.equals("assistants") && !value.equals("Assistant") && !value.equals("")
        )
        #expect(value.equals("assistant" as StaticString) && !value.equals("assistanT" as StaticString))
        #expect(try !root("1").equals("1"))
        #expect(try root(#""""#).isEmptyString)
        #expect(try !root(#"" ""#).isEmptyString)
        #expect(try !root("null").isEmptyString)
        // Canonical equivalence is not equality.
        #expect(try !root("\"e\u{301}\"").equals("é"))
    }

    @Test("Decoded strings are appended to a buffer, others are not")
    func appending() throws {
        var buffer = ByteBuffer("<")
        try root(#""a\u00e9\n""#).appendString(to: &buffer)
        try root(#""plain""#).appendString(to: &buffer)
        try root("[1]").appendString(to: &buffer)
        #expect(buffer.readable.text == "<aé\nplain")
    }

    @Test("Values outlive the document that made them")
    func lifetime() throws {
        var values: [JSONValue] = []
        for number in 0..<10 { values.append(try #require(try root(#"{"a":[\#(number)]}"#)["a"]?[0])) }
        #expect(values.map(\.int) == (0..<10).map { $0 })
    }
}
