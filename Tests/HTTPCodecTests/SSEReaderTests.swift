import Core
import HTTPCodec
import Testing

@Suite struct SSEReaderTests {
    private func decode(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) -> DecodedStream {
        decodeEverySplit(Array(text.utf8), sourceLocation: sourceLocation) { DecodedStream($0) }
    }

    @Test("Plain events are told from all others")
    func plainEvents() {
        let decoded = decode(
            "data: {\"a\":1}\n\ndata:  b \n\ndata:c\n\nid: 1\ndata: d\n\ndata: e\nid: 1\n\ndata: f\r\n\r\n"
                + "data: g\n\r\n: note\ndata: h\n\ndata: i\n: note\n\ndata: [DONE]\n\n"
        )
        #expect(decoded.events.map(\.data) == ["{\"a\":1}", " b ", "c", "d", "e", "f", "g", "h", "i", "[DONE]"])
        #expect(decoded.plain == [true, true, false, false, false, false, false, true, false, true])
        #expect(!decoded.isCut)
    }

    @Test(
        "Every line end, alone and mixed",
        arguments: ["\n", "\r\n", "\r", "\n\r\n", "\r\r\n", "\r\n\n", "\n\r"]
    )
    func lineEnds(_ end: String) {
        // Two ends in a row make an empty line too, so that only the texts are compared with the standard's parser.
        let text = "event: a\(end)data: 1\(end)\(end)data: 2\(end)\(end)\(end)data: 3\(end)\(end)"
        let decoded = decode(text)
        #expect(decoded.events == referenceEvents(Array(text.utf8)))
        #expect(decoded.events.map(\.data) == ["1", "2", "3"])
    }

    @Test("Names, values and fields of every shape")
    func fields() {
        let decoded = decode(
            "event: ping\ndata: {}\n\nevent:x\nevent: y\ndata:a\n\ndata\n\ndata:\n\ndata\ndata\n\n"
                + "datax: no\ndat: no\neventdata: no\nretry: 1\nid\n\nevent: lonely\n\ndata: a:b: c\n\n Data: no\n\n"
        )
        #expect(
            decoded.events.map(\.description) == [
                "ping|\"{}\"", "y|\"a\"", "|\"\"", "|\"\"", "|\"\\n\"", "|\"a:b: c\"",
            ]
        )
    }

    @Test("Several data lines are joined by line feeds")
    func multipleDataLines() {
        let decoded = decode("data: a\ndata:\nid: 1\ndata: c\n\ndata: d\r\ndata: e\r\n\r\n")
        #expect(decoded.events.map(\.data) == ["a\n\nc", "d\ne"])
        #expect(decoded.plain == [false, false])
    }

    @Test("Comments are passed over and noted")
    func comments() {
        let decoded = decode(": OPENROUTER PROCESSING\n\n:\n\ndata: a\n\n: cut")
        #expect(decoded.events.map(\.data) == ["a"])
        #expect(decoded.plain == [true])
        #expect(decoded.sawComment)
        #expect(!decoded.isCut)
        #expect(!decode("data: a\n\n").sawComment)
    }

    @Test("A byte order mark counts at the start only")
    func byteOrderMark() {
        let decoded = decode("\u{FEFF}data: a\n\n\u{FEFF}data: no\n\n")
        #expect(decoded.events.map(\.data) == ["a"])
        #expect(decoded.plain == [true])
    }

    @Test("A last event without its empty line is given out and known to be cut", arguments: ["", "\n", "\r", "\r\n"])
    func missingEnd(_ end: String) {
        let decoded = decode("data: a\n\ndata: b\(end)")
        #expect(decoded.events.map(\.data) == ["a", "b"])
        #expect(decoded.isCut)
        #expect(decode("event: a\(end)").events.isEmpty)
        #expect(decode("event: a\(end)").isCut)
    }

    @Test("An event that ends in a bare CR does not wait for the next byte")
    func promptness() throws {
        var reader = SSEReader(maximumEventBytes: 100)
        reader.receive(Array("data: a\r\r".utf8).span)
        let frame = try reader.next()
        #expect(frame.map { reader.payload(of: $0).text } == "a")
        reader.receive(Array("\ndata: b\n\n".utf8).span)
        let second = try reader.next()
        #expect(second.map { reader.payload(of: $0).text } == "b")
        #expect(second?.isPlain == true)
    }

    @Test("A CRLF cut in two ends one line")
    func splitLineEnd() throws {
        var reader = SSEReader(maximumEventBytes: 100)
        reader.receive(Array("data: a\r\n\r".utf8).span)
        #expect(try reader.next() == nil)
        reader.receive(Array("\n".utf8).span)
        let frame = try reader.next()
        #expect(frame.map { reader.bytes[$0.range].text } == "data: a\r\n\r\n")
        #expect(!reader.hasPartialEvent)
    }

    @Test("Positions of unread fields survive compaction")
    func compaction() throws {
        var reader = SSEReader(maximumEventBytes: 1 << 20)
        let filler = String(repeating: "x", count: 9000)
        reader.receive(Array("data: \(filler)\n\nevent: e\ndata: pay".utf8).span)
        #expect(try reader.next() != nil)
        #expect(try reader.next() == nil)
        reader.compact()
        reader.receive(Array("load\n\n".utf8).span)
        let frame = try reader.next()
        #expect(frame?.name.map { reader.bytes[$0].text } == "e")
        #expect(frame.map { reader.payload(of: $0).text } == "payload")
        #expect(reader.bytes.count < 100)
    }

    @Test("Memory of a burst is given back")
    func memory() throws {
        var reader = SSEReader(maximumEventBytes: 1 << 22)
        reader.receive(Array("data: \(String(repeating: "x", count: 1 << 20))\n\n".utf8).span)
        #expect(try reader.next() != nil)
        reader.compact()
        #expect(reader.bytes.capacity <= 4096)
        #expect(try reader.next() == nil)
    }

    @Test("A line of megabytes arrives intact from small pieces")
    func longLine() throws {
        let payload = [UInt8](repeating: UInt8(ascii: "y"), count: 4 << 20)
        let input = Array("data: ".utf8) + payload + Array("\n\n".utf8)
        var reader = SSEReader(maximumEventBytes: 8 << 20)
        var found: [UInt8]?
        for start in stride(from: 0, to: input.count, by: 1000) {
            reader.receive(input[start..<min(input.count, start + 1000)].span)
            if let frame = try reader.next() { found = Array(reader.payload(of: frame)) }
        }
        #expect(found == payload)
    }

    @Test("An event is bounded, terminators apart, however it is cut")
    func bounds() {
        func verdict(_ text: String) -> DecodedStream {
            decodeEverySplit(Array(text.utf8)) { DecodedStream($0, maximum: 10) }
        }
        #expect(verdict("data: 1234\n\n").events.count == 1)
        #expect(verdict("data: 1234\r\n\r\ndata: 5678\r\n\r\n").events.count == 2)
        #expect(verdict("data: 12345\n\n").error == .tooLarge)
        #expect(verdict("data: 1234\r").events.count == 1)
        #expect(verdict("data: 12345").error == .tooLarge)
        #expect(verdict("id: 1\ndata: 1\n\n").error == .tooLarge)
        #expect(verdict(": 123456789\n\n").error == .tooLarge)
        #expect(verdict(": 1234\n: 1234\n: 1234\n\n").error == nil)
    }

    @Test("Random streams read as the standard says, however they are cut")
    func randomStreams() {
        var generator = SeededGenerator(seed: 2)
        let parts = [
            "data", "data:", "data: ", "event", "event: ", "id: 1", ":", " ", "x", "é", "\n", "\n", "\r", "\r\n",
            "\n\n",
            "\r\n\r\n", "\u{FEFF}", "data: {}\n\n",
        ]
        for _ in 0..<3000 {
            let count = Int.random(in: 0...20, using: &generator)
            let input = (0..<count).flatMap { _ in Array((parts.randomElement(using: &generator) ?? "").utf8) }
            let whole = DecodedStream([input[...]])
            #expect(whole.events == referenceEvents(input), "\(input.text.debugDescription)")
            let pieces = randomPieces(input, using: &generator)
            #expect(DecodedStream(pieces).events == whole.events, "\(input.text.debugDescription)")
        }
    }
}
