import JSON
import Testing

@Suite struct ParserTests {
    @Test("One parser reads text after text, long and short, good and bad")
    func reuse() throws {
        let parser = JSONParser()
        for round in 0..<50 {
            let filler = String(repeating: "é", count: round * round * 40)
            #expect(try parser.parse(Array(#"{"n":\#(round),"s":"\#(filler)"}"#.utf8))["n"]?.int == round)
            #expect(throws: JSONError.self) { try parser.parse(Array(#"{"n":"#.utf8)) }
            #expect(throws: JSONError(.empty, offset: 0)) { try parser.parse([UInt8]()) }
            #expect(try parser.parse(Array("[\(round)]".utf8))[0]?.int == round)
        }
    }

    @Test("A slice is read by itself, with offsets from its own start")
    func slices() throws {
        let bytes = Array("data: [1, 22]\n\n".utf8)
        let value = try JSONParser().parse(bytes[6..<13])
        #expect(value.sourceRange == 0..<7)
        #expect(value[1]?.raw == ArraySlice("22".utf8))
    }

    @Test("A value that is kept is not touched by the next parse")
    func keptValues() throws {
        let parser = JSONParser()
        var kept: [JSONValue] = []
        for number in 0..<20 {
            let value = try parser.parse(Array(#"{"a":"text \#(number)"}"#.utf8))
            if number.isMultiple(of: 3) { kept.append(try #require(value["a"])) }
        }
        #expect(kept.map(\.string) == (0..<20).filter { $0.isMultiple(of: 3) }.map { "text \($0)" })
    }

    @Test("A text within a text can be parsed by the same parser")
    func nesting() throws {
        let parser = JSONParser()
        let outer = try parser.parse(Array(#"{"arguments":"{\"a\":[1]}","b":2}"#.utf8))
        let inner = try parser.parse(Array(try #require(outer["arguments"]?.string).utf8))
        #expect(inner["a"]?[0]?.int == 1)
        #expect(outer["b"]?.int == 2)
    }
}
