import Core
import HTTPCodec
import OpenAIAPI
import Providers
import Testing

@Suite("Grok's answers")
struct GrokReaderTests {
    private static let conversation =
        #"{"result":{"conversation":{"conversationId":"7d1f","title":"New conversation","temporary":true}}}"#
    private static let userResponse = nested(
        #""userResponse":{"responseId":"U1","message":"Hello","sender":"human"},"isThinking":false,"isSoftStop":false"#
    )
    private static let stop = flat(#""token":"","isThinking":false,"isSoftStop":true"#)

    @Test(
        "A new conversation: nested frames, ids, a title at the end",
        arguments: ["\n", "", "\r\n", "\n\n", "\ndata: "]
    )
    func new(separator: String) async throws {
        let run = try await grokRead(
            Self.conversation,
            Self.userResponse,
            nested(#""uiLayout":{"reasoningUiLayout":"FUNCTION_CALL","rolloutIds":[]},"isThinking":false"#),
            nested(#""llmInfo":{"modelHash":"c2lt"},"isThinking":false"#),
            nested(#""token":"Hi","isThinking":false,"isSoftStop":false,"messageTag":"final""#),
            nested(#""token":" 世界\n!","isThinking":false,"isSoftStop":false"#),
            nested(#""token":"","isThinking":false,"isSoftStop":true"#),
            nested(
                #""modelResponse":{"responseId":"R2","message":"Hi 世界\n!","parentResponseId":"U1","streamErrors":[]}"#
            ),
            nested(#""finalMetadata":{"followUpSuggestions":[]}"#),
            #"{"result":{"title":{"newTitle":"Greeting"}}}"#,
            conversation: false,
            separator: separator,
            end: separator == "\ndata: " ? "\ndata: [DONE]\n" : separator
        )
        #expect(run.text == "Hi 世界\n!" && run.reasoning.isEmpty)
        #expect(run.finish == .stop && run.failure == nil)
        #expect(run.state == #"{"conversationId":"7d1f","responseId":"R2"}"#)
    }

    @Test("One line with the conversation and the first of the answer")
    func both() async throws {
        let run = try await grokRead(
            #"{"result":{"conversation":{"conversationId":"7d1f"},"response":{"token":"Hi","responseId":"R2"}}}"#,
            conversation: false
        )
        #expect(run.text == "Hi" && run.finish == .stop)
        #expect(run.state == #"{"conversationId":"7d1f","responseId":"R2"}"#)
    }

    @Test("A continued conversation: flat frames")
    func continued() async throws {
        let run = try await grokRead(
            flat(#""userResponse":{"responseId":"U2","message":"And then?","sender":"human","parentResponseId":"R1"}"#),
            said("Then "),
            said("we continue."),
            Self.stop,
            whole("Then we continue.")
        )
        #expect(run.text == "Then we continue." && run.finish == .stop)
        #expect(run.state == #"{"conversationId":"C1","responseId":"R2"}"#)
    }

    @Test("What never came as a token comes out of the whole answer, and nothing twice")
    func merged() async throws {
        #expect(try await grokRead(said("Then "), whole("Then we go on.")).text == "Then we go on.")
        #expect(try await grokRead(whole("All of it.")).text == "All of it.")
        #expect(try await grokRead(said("Then"), whole("Then")).text == "Then")
        // Not how the answer began: what was said stands.
        #expect(try await grokRead(said("Then "), whole("Otherwise put, at length")).text == "Then ")
    }

    @Test("Without a soft stop, without the whole, with an empty token at the end")
    func ends() async throws {
        #expect(try await grokRead(said("x")).finish == .stop)
        #expect(try await grokRead(said("x"), #"{"result":{"token":""}}"#).finish == .stop)
        #expect(try await grokRead(said("x"), Self.stop).finish == .stop)
        #expect(try await grokRead(said("x"), Self.stop, said("y")).text == "xy")
    }

    @Test("Of a pair of answers the first one")
    func pair() async throws {
        let other = #""token":"other","sideBySideIndex":1,"isThinking":false"#
        let run = try await grokRead(
            flat(#""token":"one","sideBySideIndex":0"#),
            #"{"result":{\#(other),"responseId":"R3"}}"#,
            #"{"result":{"modelResponse":{"responseId":"R3","message":"other"},"sideBySideIndex":1}}"#,
            whole("one")
        )
        #expect(run.text == "one" && run.state.contains("R2"))
    }

    @Test("Thoughts, without the banner before them")
    func thoughts() async throws {
        let step = { (token: String, tag: String, step: Int) in
            flat(
                #""token":"\#(token)","isThinking":true,"messageTag":"\#(tag)","messageStepId":\#(step),"rolloutId":"Grok""#
            )
        }
        let run = try await grokRead(
            step("Thinking about your request", "header", 0),
            step("The user wants the sum. ", "summary", 1),
            step("17+25=42.", "summary", 1),
            step("Done.", "summary", 2),
            said("The answer is "),
            said("42."),
            Self.stop,
            whole("The answer is 42.")
        )
        #expect(run.reasoning == "The user wants the sum. 17+25=42.\nDone." && run.text == "The answer is 42.")
    }

    @Test("A tag says what is a thought where the flag is missing")
    func taggedThoughts() async throws {
        let run = try await grokRead(flat(#""token":"hm","messageTag":"analysis""#), said("ok"))
        #expect(run.reasoning == "hm" && run.text == "ok")
    }

    @Test("Nothing but the banner, nothing but thoughts, and nothing at all are no answers")
    func empty() async throws {
        let banner = flat(#""token":"Thinking about your request","isThinking":true,"messageTag":"header""#)
        let thought = flat(#""token":"hm","isThinking":true"#)
        for frames in [[""], [banner, Self.stop], [thought, Self.stop, whole("")], [Self.stop], [said(" \\n ")]] {
            let run = try await grokRead(frames.joined(separator: "\n"))
            #expect(run.failure == .upstreamInvalid && run.finish == nil && run.failureClass == .failing)
        }
    }

    @Test("An answer that ends within a frame is cut")
    func cut() async throws {
        let run = try await grokRead(said("x"), #"{"result":{"token":"y"#, end: "")
        #expect(run.failure == .upstreamCut && run.text == "x")
    }

    @Test("Frames that nobody knows are passed over")
    func unknown() async throws {
        let run = try await grokRead(
            #"{"result":{"keepAlive":{}}}"#,
            #"{"hello":[1,{"token":"no"}]}"#,
            #"{"result":[]}"#,
            #"{"result":{"token":7,"messageTag":[],"modelResponse":3,"cardAttachment":"x","responseId":{}}}"#,
            #"{"result":{"response":"x","cardAttachment":{"jsonData":"{nonsense"}}}"#,
            #"{"result":{"streamingImageGenerationResponse":{"imageUrl":[],"progress":"x","imageIndex":1e99}}}"#,
            "noise [DONE] }}",
            said("ok")
        )
        #expect(run.text == "ok" && run.finish == .stop)
    }

    @Test("What is no JSON ends it")
    func garbage() async throws {
        #expect(try await grokRead(said("x"), "{oops}").failure == .upstreamInvalid)
        #expect(
            try await grokRead(
                "{\"result\":" + String(repeating: "{\"a\":", count: 200) + String(repeating: "}", count: 201)
            ).failure == .upstreamInvalid
        )
    }

    @Test("A further message follows the answer, and its own answer is read")
    func followUp() async throws {
        var reader = try await grok().open(grokTurn(), at: ScriptedDesk()).reader
        let early = reader.followUp("Mend it")
        #expect(early == nil, "nobody knows yet what it would follow")
        func read(_ frames: String...) -> GrokRun {
            var pieces = AnswerPieces()
            let bytes = Array(frames.joined().utf8)
            unsafe bytes.withUnsafeBytes { unsafe reader.receive($0, into: &pieces) }
            reader.finish(into: &pieces)
            return GrokRun(pieces)
        }
        #expect(read(Self.conversation, nested(#""token":"wrong""#)).text == "wrong")
        let further = reader.followUp("Mend it")
        let request = try #require(further)
        #expect(request.url == "http://grok/rest/app-chat/conversations/7d1f/responses")
        #expect(body(of: request).contains(#""message":"Mend it""#))
        #expect(body(of: request).contains(#""parentResponseId":"R2""#))
        let mended = read(#"{"result":{"token":"right","responseId":"R4"}}"#)
        #expect(mended.text == "right" && mended.finish == .stop)
        #expect(mended.state == #"{"conversationId":"7d1f","responseId":"R4"}"#)
        let again = reader.followUp("Again")
        #expect(again == nil)
    }

    @Test("A frame that does not end is given up in time")
    func endless() async throws {
        var reader = try await grok().open(grokTurn(), at: ScriptedDesk()).reader
        var pieces = AnswerPieces()
        let bytes = Array((#"{"result":{"token":""# + String(repeating: "x", count: 1 << 20)).utf8)
        var failures = 0
        for _ in 0..<12 {
            unsafe bytes.withUnsafeBytes { unsafe reader.receive($0, into: &pieces) }
            for case .failed(let error) in pieces.pieces where error.code == .upstreamInvalid { failures += 1 }
            pieces.reset()
        }
        #expect(failures == 1)
    }
}
