import Core
import OpenAIAPI
import Providers
import Testing

@Suite("Events that pass unread")
struct UnchangedEventsTests {
    private static func event(_ text: String, id: String = "1") -> String {
        events(#"{"id":"\#(id)","choices":[{"index":0,"delta":{"content":"\#(text)"},"finish_reason":null}]}"#)
    }

    /// A translator that has read `before`.
    private static func translator(after before: String) throws -> any StreamTranslator {
        let body = #"{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}"#
        var translator = openAI.makeStreamTranslator(
            for: Job(try ModelRequest(.chat, body: Array(body.utf8)), model: "m", key: "sk-test")
        )
        var output = StreamOutput()
        unsafe Array(before.utf8).withUnsafeBytes { unsafe translator.receive($0, into: &output) }
        return translator
    }

    private static func count(_ bytes: [UInt8], _ translator: any StreamTranslator) -> Int {
        var translator = translator
        return unsafe bytes.withUnsafeBytes { unsafe translator.unchangedEvents(in: $0) }
    }

    @Test(
        "Whole events of the known shape are counted, with the escapes of one letter too",
        arguments: [
            (event("a"), 1), (event("a b, \(String(repeating: "c", count: 300))"), 1), (event("a") + event("bc"), 2),
            (event(#"\n\"quoted\" \\ \t\r\/\b\f"#), 1), (event(#"eight by\n"#) + event("~") + event(" "), 3),
        ]
    )
    func counts(_ stream: String, _ expected: Int) throws {
        let translator = try Self.translator(after: Self.event("first"))
        #expect(Self.count(Array(stream.utf8), translator) == expected)
    }

    @Test(
        "Everything else is left to be read",
        arguments: [
            "", "data", event(""), event("é"), event(#"\u0041"#), event(#"a\"#), event(#"\x"#), event("a", id: "2"),
            event(#"a","x":""#), event(#"a"},"finish_reason":"stop"#), event("a") + "data: [DONE]\n\n",
            event("a") + event("é"), event("a") + "data: ", " " + event("a"), event("a") + "\n", ": note\n\n",
            String(event("a").dropLast()), event("a").replacing("\n\n", with: "\r\n\r\n"),
            event("a").replacing("data: ", with: "data:"), event("a").replacing("data: ", with: "data:  "),
        ]
    )
    func leaves(_ stream: String) throws {
        let translator = try Self.translator(after: Self.event("first"))
        #expect(Self.count(Array(stream.utf8), translator) == 0)
    }

    @Test("Any byte at any place of the text is taken only where it is printable and ends nothing")
    func everyByte() throws {
        let translator = try Self.translator(after: Self.event("first"))
        let event = Array(Self.event(String(repeating: "x", count: 20)).utf8)
        let text = try #require(event.indices.first { event[$0...].starts(with: "xxxx".utf8) })
        for place in 0..<20 {
            for byte in UInt8.min...UInt8.max {
                var changed = event
                changed[text + place] = byte
                let isPlain = (0x20..<0x7F).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
                guard (Self.count(changed, translator) == 1) != isPlain else { continue }
                Issue.record("byte \(byte) at place \(place)")
            }
        }
    }

    @Test("Nothing passes a reader that holds part of an event, has read nothing yet, or stands behind a lone CR")
    func readerInBetween() throws {
        let whole = Array(Self.event("second").utf8)
        for before in ["", Self.event("a") + "d", Self.event("a") + "event: x\n", Self.event("a") + "data: {}\r\r"] {
            #expect(Self.count(whole, try Self.translator(after: before)) == 0, "after \(before)")
        }
        #expect(Self.count(whole, try Self.translator(after: Self.event("a") + ": a comment\n\n")) == 1)
    }

    @Test("A shape without text, or with more than text, is none")
    func noShape() throws {
        for payload in [
            #"{"choices":[{"delta":{"content":"a","role":"assistant"}}]}"#, #"{"choices":[{"delta":{"content":""}}]}"#,
            #"{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#,
            #"{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":1}}"#,
        ] {
            let event = events(payload)
            #expect(Self.count(Array(event.utf8), try Self.translator(after: event)) == 0, "\(payload)")
        }
    }
}
