import Core
import OpenAIAPI
import Providers
import Testing

@Suite("Marks in Grok's answers")
struct GrokMarkupTests {
    private static func card(_ json: String) -> String {
        flat(#""cardAttachment":{"jsonData":"\#(json.replacing("\"", with: "\\\""))"}"#)
    }

    private static func citation(_ id: String, _ url: String) -> String {
        card(#"{"id":"\#(id)","type":"render_inline_citation","cardType":"citation_card","url":"\#(url)"}"#)
    }

    private static func mark(_ id: String) -> String {
        #"<grok:render card_id=\"\#(id)\" card_type=\"citation_card\" type=\"render_inline_citation\"><argument name=\"citation_id\">0</argument></grok:render>"#
    }

    @Test("Citations become numbered links, a page one number")
    func citations() async throws {
        let run = try await grokRead(
            Self.citation("k1", "https://example.org/a"),
            Self.citation("k2", "https://example.org/b_(c)"),
            Self.citation("k3", "javascript:alert(1)"),
            said(
                "See the docs\(Self.mark("k1"))\(Self.mark("k1")), more\(Self.mark("k2")) and\(Self.mark("k1"))\(Self.mark("k3"))\(Self.mark("k9"))."
            ),
            whole("")
        )
        #expect(
            run.text
                == "See the docs[1](https://example.org/a), more[2](https://example.org/b_%28c%29) and[1](https://example.org/a)."
        )
    }

    @Test("Marks in pieces are held back until they are whole")
    func pieces() async throws {
        let text = "the docs\(Self.mark("k1"))."
        var frames = [Self.citation("k1", "https://example.org/a")]
        var rest = text[...]
        while !rest.isEmpty {
            // An escape must not be torn.
            var piece = rest.prefix(5)
            if piece.last == "\\" { piece = rest.prefix(6) }
            frames.append(said(String(piece)))
            rest = rest.dropFirst(piece.count)
        }
        frames.append(whole(text))
        #expect(try await grokRead(frames.joined(separator: "\n")).text == "the docs[1](https://example.org/a).")
    }

    @Test("What only looks like a mark is text, at the end as well")
    func noMarks() async throws {
        for text in ["a < b", "<grok:rendering>x", "x <grok:rend", "<xai", "<", "a<b>c</b>", "<GROK:x"] {
            #expect(try await grokRead(said(text)).text == text)
        }
        #expect(
            try await grokRead(said("x<grok:render card_id=1>never closed")).text
                == "x<grok:render card_id=1>never closed"
        )
    }

    @Test("No more is held back than a mark can be long")
    func bounded() async throws {
        let reader = try await grok().open(grokTurn(), at: ScriptedDesk()).reader
        let long = String(repeating: "x", count: 11 << 10)
        let first = Array((said("<grok:render card_id=1>" + long) + "\n").utf8)
        var pieces = AnswerPieces()
        var copy = reader
        unsafe first.withUnsafeBytes { unsafe copy.receive($0, into: &pieces) }
        guard case .text(let text)? = pieces.pieces.first else {
            Issue.record("nothing was said")
            return
        }
        #expect(text == "<grok:render card_id=1>" + long)
    }

    @Test("The use of tools does not leak into the text")
    func tools() async throws {
        let xml = "<xai:tool_usage_card><xai:tool_name>web_search</xai:tool_name></xai:tool_usage_card>"
        #expect(try await grokRead(said("a\(xml)b"), whole("a\(xml)b")).text == "ab")
    }

    @Test("What was made becomes code between fences", arguments: ["xaiArtifact", "xaiartifact"])
    func artifacts(name: String) async throws {
        let head = #" artifact_id=\"a1\" title=\"sum.py\" contentType=\"text/x-python\">\n"#
        let run = try await grokRead(
            said("Here: <\(name.prefix(5))"),
            said("\(name.dropFirst(5))\(head)"),
            said("print(17 < 25"),
            said(")\\n</\(name.prefix(6))"),
            said("\(name.dropFirst(6))> Done.")
        )
        #expect(run.text == "Here: \n```x-python\nprint(17 < 25)\n```\n Done.")
        // One that is not closed is closed at the end.
        #expect(try await grokRead(said("<\(name)>x")).text == "```\nx\n```\n")
        #expect(
            try await grokRead(said(#"<\#(name) contentType=\"text/markdown\">x</\#(name)>"#)).text
                == "````markdown\nx\n````\n"
        )
    }

    @Test("A picture that was found is shown from where it is")
    func searched() async throws {
        let run = try await grokRead(
            Self.card(
                #"{"id":"s1","type":"render_searched_image","image":{"title":"A [fox]","original":"https://example.org/o.jpg"}}"#
            ),
            said(#"Look: <grok:render card_id=\"s1\" type=\"render_searched_image\"/>"#)
        )
        #expect(run.text == "Look: ![A  fox ](https://example.org/o.jpg)")
    }

    // MARK: Pictures that are made

    private static func image(_ id: String, _ path: String, _ members: String) -> String {
        flat(
            #""streamingImageGenerationResponse":{"imageId":"\#(id)","imageUrl":"users/u/generated/\#(path)/image.jpg",\#(members)}"#
        )
    }

    private static func list(_ paths: String...) -> String {
        whole("", #","generatedImageUrls":[\#(paths.map { "\"\($0)\"" }.joined(separator: ","))]"#)
    }

    @Test("Pictures come once each, after the text, and not half done")
    func pictures() async throws {
        let run = try await grokRead(
            Self.image("i1", "a-part-0", #""progress":50,"imageIndex":0,"moderated":false"#),
            flat(#""token":"","isSoftStop":true"#),
            Self.image("i1", "a", #""progress":100,"imageIndex":0,"isFinal":true"#),
            Self.image("i2", "b-part-0", #""progress":50,"imageIndex":1"#),
            said("I generated images"),
            Self.list("users/u/generated/a/image.jpg", "https://assets.grok.com/users/u/generated/b/image.png")
        )
        #expect(run.text == "I generated images")
        #expect(
            run.files == [
                AnswerFile(
                    url: "http://assets/users/u/generated/a/image.jpg",
                    title: "Generated Image",
                    fileExtension: "jpg"
                ),
                AnswerFile(
                    url: "http://assets/users/u/generated/b/image.png",
                    title: "Generated Image",
                    fileExtension: "png"
                ),
            ]
        )
        #expect(run.reasoning == "Image 1: 50%\nImage 1: 100%\nImage 2: 50%\n" && run.finish == .stop)
    }

    @Test("A moderated picture is never shown, wherever else it is named")
    func moderated() async throws {
        let run = try await grokRead(
            Self.image("i1", "a-part-0", #""progress":50,"moderated":true"#),
            Self.image("i1", "z", #""progress":100,"moderated":false,"isFinal":true"#),
            Self.image("i2", "b", #""progress":100,"isFinal":true"#),
            Self.list("users/u/generated/a/image.jpg", "/users/u/generated/b/image.jpg")
        )
        #expect(run.files.map(\.url) == ["http://assets/users/u/generated/b/image.jpg"])
        let none = try await grokRead(Self.image("i1", "a", #""progress":100,"moderated":true"#), whole(""))
        #expect(none.failure == .contentFilter && none.files.isEmpty)
        let spent = try await grokRead(Self.image("i1", "a", #""progress":0,"systemErrCode":1006"#), whole(""))
        #expect(spent.failure == .rateLimitExceeded && spent.failureClass == .rateLimited)
    }

    @Test("Pictures in cards")
    func cards() async throws {
        let chunk = { (path: String, progress: Int) in
            #"{"id":"g1","type":"render_generated_image","image_chunk":{"imageUuid":"i1","imageUrl":"users/u/\#(path)/image.jpg","progress":\#(progress),"moderated":false}}"#
        }
        let run = try await grokRead(
            Self.card(chunk("a-part-0", 50)),
            Self.card(chunk("a", 100)),
            said(#"Here it is: <grok:render card_id=\"g1\"></grok:render>"#),
            whole("", #","cardAttachmentsJson":["\#(chunk("a", 100).replacing("\"", with: "\\\""))"]"#)
        )
        #expect(run.text == "Here it is: " && run.files.map(\.url) == ["http://assets/users/u/a/image.jpg"])
    }

    @Test("Addresses that lead elsewhere are none of ours to fetch")
    func foreign() async throws {
        let run = try await grokRead(
            Self.list(
                "https://evil.example/x.jpg",
                "//evil.example/x.jpg",
                "https://imagine-public.x.ai/p.jpg",
                "a b.jpg",
                "users/\\u0000"
            )
        )
        #expect(run.files.map(\.url) == ["https://imagine-public.x.ai/p.jpg"])
    }
}
