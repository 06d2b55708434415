import Core
import HTTPCodec
import Testing

@Suite struct NDJSONReaderTests {
    private func decode(_ text: String, maximum: Int = 1000) -> DecodedLines {
        decodeEverySplit(Array(text.utf8)) { DecodedLines($0, maximum: maximum) }
    }

    @Test("Lines end in LF or CRLF, blank ones are passed over")
    func lines() {
        let decoded = decode("{\"a\":1}\n{\"b\":\"é\"}\r\n\n \t\r\n  {}  \n")
        #expect(decoded.lines == ["{\"a\":1}", "{\"b\":\"é\"}", "{}"])
        #expect(!decoded.isCut)
    }

    @Test("The last line may come without an end")
    func missingEnd() {
        #expect(decode("{}\n[1]").lines == ["{}", "[1]"])
        #expect(decode("{}\n[1]").isCut)
        #expect(decode("{}\r\n[1]\r").lines == ["{}", "[1]"])
        #expect(decode("{}\n \r").lines == ["{}"])
        #expect(!decode("{}\n \r").isCut)
        #expect(decode("").lines.isEmpty)
    }

    @Test("A line is bounded however it is cut")
    func bounds() {
        #expect(decode("12345678\n12345678", maximum: 8).lines.count == 2)
        #expect(decode("123456789\n", maximum: 8).error == .tooLarge)
        #expect(decode("123456789", maximum: 8).error == .tooLarge)
    }

    @Test("Memory of a burst is given back, and what is not read yet survives")
    func memory() throws {
        var reader = NDJSONReader(maximumLineBytes: 1 << 22)
        reader.receive(Array("\(String(repeating: "1", count: 1 << 20))\n[1,".utf8).span)
        #expect(try reader.next()?.count == 1 << 20)
        #expect(try reader.next() == nil)
        reader.compact()
        #expect(reader.bytes.capacity <= 4096)
        reader.receive(Array("2]\n".utf8).span)
        #expect(try reader.next().map { reader.bytes[$0].text } == "[1,2]")
    }
}
