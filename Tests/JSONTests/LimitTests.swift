import JSON
import Testing

@Suite struct LimitTests {
    private func nested(_ opening: String, _ inside: String, _ closing: String, _ count: Int) -> [UInt8] {
        Array((String(repeating: opening, count: count) + inside + String(repeating: closing, count: count)).utf8)
    }

    @Test("Nesting is allowed to the limit and not beyond", arguments: [0, 1, 2, 3, 64, 128, 1000])
    func depth(limit: Int) throws {
        let limits = JSONLimits(depth: limit)
        for (opening, inside, closing) in [
            ("[", "1", "]"), ("{\"a\":", "1", "}"), ("[", "", "]"), ("[{\"a\":", "1", "}]"),
        ] {
            let each = opening.utf8.filter { "[{".utf8.contains($0) }.count
            let allowed = limit / each
            _ = try JSONDocument(
                parsing: nested(opening, inside.isEmpty && allowed == 0 ? "1" : inside, closing, allowed),
                limits: limits
            )
            #expect {
                try JSONDocument(parsing: nested(opening, inside, closing, allowed + 1), limits: limits)
            } throws: {
                ($0 as? JSONError)?.kind == .tooDeep
            }
        }
    }

    @Test("Depth is how deep, not how many")
    func siblings() throws {
        let text = "[" + Array(repeating: "[[1],{\"a\":[]}]", count: 100).joined(separator: ",") + "]"
        _ = try JSONDocument(parsing: Array(text.utf8), limits: JSONLimits(depth: 4))
        #expect(throws: JSONError.self) { try JSONDocument(parsing: Array(text.utf8), limits: JSONLimits(depth: 3)) }
    }

    @Test("A million opening brackets are refused, and even if allowed exhaust no stack")
    func million() throws {
        let count = 1_000_000
        let opened = [UInt8](repeating: UInt8(ascii: "["), count: count)
        #expect(throws: JSONError(.tooDeep, offset: 128)) { try JSONDocument(parsing: opened) }
        let limits = JSONLimits(depth: .max)
        #expect(throws: JSONError(.unexpectedEnd, offset: count)) { try JSONDocument(parsing: opened, limits: limits) }
        let closed = opened + [UInt8](repeating: UInt8(ascii: "]"), count: count)
        #expect(try JSONDocument(parsing: closed, limits: limits).root.sourceRange == 0..<2 * count)
    }

    @Test("The number of bytes is limited")
    func bytes() throws {
        let text = Array(#""aaaa""#.utf8)
        _ = try JSONDocument(parsing: text, limits: JSONLimits(bytes: 6))
        #expect(throws: JSONError(.tooLong, offset: 5)) {
            try JSONDocument(parsing: text, limits: JSONLimits(bytes: 5))
        }
        #expect(throws: JSONError(.tooLong, offset: 5)) { try JSONParser(limits: JSONLimits(bytes: 5)).parse(text) }
    }

    @Test("The number of values is limited, keys included", arguments: ["[1,2,3,4]", #"{"a":1,"b":2}"#, "[[],[[]],1]"])
    func values(text: String) throws {
        _ = try JSONDocument(parsing: Array(text.utf8), limits: JSONLimits(values: 5))
        let refusal = #expect(throws: JSONError.self) {
            try JSONDocument(parsing: Array(text.utf8), limits: JSONLimits(values: 4))
        }
        #expect(refusal?.kind == .tooManyValues)
        #expect(throws: JSONError.self) { try JSONDocument(parsing: Array("1".utf8), limits: JSONLimits(values: 0)) }
        let parser = JSONParser(limits: JSONLimits(values: 4))
        _ = try parser.parse(Array("[1,2,3]".utf8))
        #expect(throws: JSONError.self) { try parser.parse(Array(text.utf8)) }
    }

    @Test("Documents of every length are read whole, also where they end at the end of a page")
    func lengths() throws {
        let parser = JSONParser()
        for count in Array(0..<300) + Array(4_000..<4_200) + [
            8_190, 65_400, 65_533, 65_534, 70_000, 300_000, 2_000_000,
        ] {
            let text = Array("[\"".utf8) + [UInt8](repeating: 0x78, count: count) + Array("\"]".utf8)
            #expect(try JSONDocument(parsing: text).root[0]?.sourceRange.count == count + 2)
            #expect(try parser.parse(text)[0]?.string?.utf8.count == count)
            #expect(throws: JSONError(.unexpectedEnd, offset: count + 3)) { try parser.parse(text.dropLast()) }
        }
    }
}
