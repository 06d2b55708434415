import Testing

@testable import Providers

@Suite("ChatGPT's citations")
struct ChatGPTCitationTests {
    private typealias E = ChatGPTEvents

    private static let mark = "\u{E200}cite\u{E202}turn0search1\u{E201}"

    private static func run(_ events: [String]) throws -> ChatGPTRun {
        let course = try ChatGPT.course()
        let body = Array(E.stream(events + ["[DONE]"]).utf8)[...]
        let run = ChatGPTRun([[body]], course)
        #expect(ChatGPTRun([body.indices.map { body[$0...$0] }], course) == run)
        return run
    }

    private static func references(_ mark: String, _ url: String) -> String {
        #","content_references":[{"matched_text":"\#(mark)","type":"grouped_webpages","refs":[],"items":[{"title":"T","url":"\#(url)"}]}]"#
    }

    @Test("A mark waits for what it points to, and becomes a link")
    func late() throws {
        let text = "It rains\(Self.mark) today"
        let run = try Self.run([
            E.whole("a-1", "It rains\u{E200}ci"), E.whole("a-1", text),
            E.last(
                "a-1",
                text + ".",
                metadata: Self.references(Self.mark, "https://e.org/a?utm_source=chatgpt.com&x=1")
            ),
        ])
        #expect(run.text == "It rains [[1]](https://e.org/a?x=1) today.")
    }

    @Test("What searches have found is known by its name")
    func groups() throws {
        let groups =
            #","search_result_groups":[{"domain":"e.org","entries":[{"url":"https://e.org/b","title":"B","ref_id":{"turn_index":0,"ref_type":"search","ref_index":1}},{"url":"https://e.org/c","title":"C","ref_id":{"turn_index":0,"ref_type":"news","ref_index":2}}]}]"#
        let both = "\u{E200}cite\u{E202}turn0search1\u{E202}turn0news2\u{E201}"
        let run = try Self.run([
            E.whole("w-1", "", role: "tool", status: "finished_successfully", metadata: groups),
            E.last("a-1", "A\(Self.mark) B\(both) C"),
        ])
        #expect(run.text == "A [[1]](https://e.org/b) B [[1]](https://e.org/b) [[2]](https://e.org/c) C")
    }

    @Test("A mark that leads nowhere, and those that are none of ours, are left out")
    func unknown() throws {
        let picture = "\u{E200}i\u{E202}turn0image1\u{E201}"
        let run = try Self.run([E.last("a-1", "A\(Self.mark) b\(picture)\u{E203}\u{E206} c \u{E200}cite\u{E202}turn")])
        #expect(run.text == "A b c ")
    }

    @Test("Marks with words in them say their words")
    func words() throws {
        let url = "\u{E200}url\u{E202}The page\u{E202}https://e.org/a(b)\u{E201}"
        let entity = "\u{E200}entity\u{E202}[\\\"person\\\",\\\"Ada\\\",\\\"x\\\"]\u{E201}"
        let run = try Self.run([E.last("a-1", "See \(url) by \(entity).")])
        #expect(run.text == "See [The page](https://e.org/a%28b%29) by Ada.")
    }

    @Test("Marks of the earlier kind are found by their place")
    func earlier() throws {
        let citation =
            #","citations":[{"start_ix":5,"end_ix":15,"citation_format_type":"tether_og","metadata":{"type":"webpage","title":"T","url":"https://e.org/a"}}]"#
        let text = "Es 🎏\u{301}【1†source】【no mark】 rest"
        let run = try Self.run([E.whole("a-1", "Es 🎏\u{301}【1†so"), E.last("a-1", text, metadata: citation)])
        #expect(run.text == "Es 🎏\u{301} [[1]](https://e.org/a)【no mark】 rest")
        #expect(try Self.run([E.last("a-1", "A【3†x】 b")]).text == "A b")
        #expect(try Self.run([E.last("a-1", "A【 b")]).text == "A【 b")
    }

    @Test("A mark that nobody explains does not hold up the text for ever")
    func patience() throws {
        let long = String(repeating: "word ", count: 800)
        let events = [E.whole("a-1", "A\(Self.mark) \(long)")]
        let run = ChatGPTRun([[Array(E.stream(events).utf8)[...]]], try ChatGPT.course())
        #expect(run.text == "A \(long)")
        // What becomes known after all follows the text.
        let known = try Self.run(
            events + [E.last("a-1", "A\(Self.mark) \(long)", metadata: Self.references(Self.mark, "https://e.org/a"))]
        )
        #expect(known.text == "A \(long)\n\n[[1]](https://e.org/a)")
    }

    @Test(
        "Brackets in ordinary text come through unchanged",
        arguments: [
            "a[0] = b[i]", "[link](https://e.org) [x] [", "[open", "[a](sandbox", "[a\n](sandbox:/x)",
            "[a](sandbox:/x\n)",
            "[[nested]](x)", "日本語【注】です",
        ]
    )
    func brackets(text: String) throws {
        let escaped = text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\\n")
        #expect(try Self.run([E.last("a-1", escaped)]).text == text)
    }
}
