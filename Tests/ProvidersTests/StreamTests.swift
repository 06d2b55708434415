import Core
import OpenAIAPI
import Providers
import Testing

@Suite("Streams of the OpenAI dialect")
struct StreamTests {
    private static let role =
        #"{"id":"c1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]"#
    private static let words = #"{"id":"c1","choices":[{"index":0,"delta":{"content":"夜市🎏\n"},"finish_reason":null}]"#
    private static let stop = #"{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]"#
    private static let usage = #""usage":{"prompt_tokens":21,"completion_tokens":7,"total_tokens":28}"#
    private static let trailer = #"{"id":"c1","choices":[],"# + usage + "}"

    @Test("A stream in the plain spelling passes byte for byte, unknown members too")
    func passes() throws {
        let odd =
            #"{ "id" : "c1", "x_new":{"n":12345678901234567890,"e":1e-7,"u":"\u00e9"} ,"choices":[{"index":0,"#
            + #""delta":{"content":"a","obfuscation":"zz"}}]}"#
        let relayed = events(Self.role + "}", odd, Self.words + "}", Self.stop + "}")
        let run = try StreamRun.everyCut(relayed + "data: [DONE]\n\n")
        #expect(run.text == relayed)
        #expect(run.isDone)
        #expect(run.count == 4)
        #expect(run.hasContent)
        #expect(run.usage == nil)
    }

    @Test("Two parallel tool calls in pieces pass untouched")
    func toolCalls() throws {
        func call(_ members: String, _ reason: String = "null") -> String {
            #"{"id":"T2","choices":[{"index":0,"delta":{\#(members)},"logprobs":null,"finish_reason":\#(reason)}]}"#
        }
        let relayed = events(
            call(
                #""role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_A1","type":"function","#
                    + #""function":{"name":"get_weather","arguments":""}}],"refusal":null"#
            ),
            call(#""tool_calls":[{"index":0,"function":{"arguments":"{\"city\":"}}]"#),
            call(#""tool_calls":[{"index":0,"function":{"arguments":"\"台北\"}"}}]"#),
            call(#""tool_calls":[{"index":1,"id":"call_A2","function":{"name":"get_weather","arguments":"{}"}}]"#),
            call("", #""tool_calls""#)
        )
        let run = try StreamRun.everyCut(relayed + "data: [DONE]\n\n")
        #expect(run.text == relayed)
        #expect(run.isDone)
    }

    @Test("Usage nobody asked for is counted and hidden, from every chunk")
    func hidesUsage() throws {
        let null = #","usage":null}"#
        let run = try StreamRun.everyCut(
            events(Self.role + null, Self.words + null, Self.stop + null, Self.trailer, "[DONE]")
        )
        #expect(run.text == events(Self.role + "}", Self.words + "}", Self.stop + "}"))
        #expect(run.usage == TokenUsage(prompt: 21, completion: 7))
        #expect(run.isDone)
    }

    @Test("Usage that was asked for passes byte for byte")
    func passesUsage() throws {
        let null = #","usage":null}"#
        let relayed = events(Self.role + null, Self.words + null, Self.stop + null, Self.trailer)
        let run = try StreamRun.everyCut(relayed + "data: [DONE]\n\n", wantsUsage: true)
        #expect(run.text == relayed)
        #expect(run.usage == TokenUsage(prompt: 21, completion: 7))
    }

    @Test("A usage trailer without choices gets the member that clients read")
    func trailerWithoutChoices() throws {
        let run = try StreamRun.everyCut(
            events(Self.stop + "}", #"{"id":"c1","# + Self.usage + "}", "[DONE]"),
            wantsUsage: true
        )
        #expect(run.text == events(Self.stop + "}", #"{"id":"c1","# + Self.usage + #","choices":[]}"#))
        let hidden = try StreamRun.everyCut(events(Self.stop + "}", #"{"id":"c1","# + Self.usage + "}", "[DONE]"))
        #expect(hidden.text == events(Self.stop + "}"))
        #expect(hidden.usage?.total == 28)
    }

    @Test("Usage on the finishing chunk becomes a trailer when it was asked for, and vanishes otherwise")
    func usageOnFinish() throws {
        let finish = Self.stop + "," + Self.usage + "}"
        let split = try StreamRun.everyCut(events(Self.words + "}", finish, "[DONE]"), wantsUsage: true, with: deepSeek)
        #expect(split.text == events(Self.words + "}", Self.stop + #","usage":null}"#, Self.trailer))
        #expect(split.count == 2)
        let hidden = try StreamRun.everyCut(events(Self.words + "}", finish, "[DONE]"), with: deepSeek)
        #expect(hidden.text == events(Self.words + "}", Self.stop + "}"))
        #expect(hidden.usage == split.usage)
    }

    @Test("A moderation result without choices is kept, and only its usage hidden")
    func moderation() throws {
        let chunk = #"{"id":"c1","choices":[],"moderation":{"input":[]}"#
        let run = try StreamRun.everyCut(
            events(Self.stop + "}", Self.trailer, chunk + "," + Self.usage + "}", chunk + #","usage":null}"#, "[DONE]")
        )
        #expect(run.text == events(Self.stop + "}", chunk + "}", chunk + "}"))
        #expect(run.isDone)
    }

    @Test("DeepSeek's comments, nulls and reasoning come through in order")
    func deepSeekStream() throws {
        func chunk(_ delta: String) -> String {
            #"{"id":"d1","choices":[{"index":0,"delta":\#(delta),"logprobs":null,"finish_reason":null}]"#
        }
        let chunks = [
            chunk(#"{"role":"assistant","content":null,"reasoning_content":""}"#),
            chunk(#"{"content":null,"reasoning_content":"用戶想要"}"#),
            chunk(#"{"content":"Checking.","reasoning_content":null}"#),
        ]
        let stream =
            ": keep-alive\n\n" + chunks.map { events($0 + #","usage":null}"#) }.joined(separator: ": keep-alive\n\n")
        let run = try StreamRun.everyCut(stream + events(Self.stop + "}", "[DONE]"), with: deepSeek)
        #expect(run.text == chunks.map { events($0 + "}") }.joined() + events(Self.stop + "}"))
        #expect(run.count == 4)
        let first = try StreamRun.everyCut(": keep-alive\n\n" + events(chunks[0] + "}"), with: deepSeek)
        #expect(!first.hasContent, "neither comments nor a role are content")
    }

    @Test("A stream that ends without [DONE] is done if it gave its reason", arguments: ["\n\n", "\n", ""])
    func noDone(_ end: String) throws {
        let run = try StreamRun.everyCut("data: " + Self.words + "}\n\ndata: " + Self.stop + "}" + end)
        #expect(run.isDone)
        #expect(run.text == events(Self.words + "}", Self.stop + "}"))
    }

    @Test(
        "A stream that ends anywhere else was cut",
        arguments: ["", ": comment\n\n", "data: {\"id\":\"c1\",\"cho", "data: {\"id\":\"c1\",\"cho\n", "data: [DO"]
    )
    func cut(_ rest: String) throws {
        let run = try StreamRun.everyCut(events(Self.role + "}", Self.words + "}") + rest)
        #expect(run.failure == .upstreamCut)
        #expect(!run.isDone)
        #expect(run.text == events(Self.role + "}", Self.words + "}"))
    }

    @Test("An empty body is a cut, not an answer")
    func empty() throws {
        #expect(try StreamRun.everyCut("").failure == .upstreamCut)
    }

    @Test(
        "What is no chunk ends the stream, and the client has what came before",
        arguments: ["{\"id\":}", "hello", "[1]", "7", "\"text\"", "{} {}", "<html>"]
    )
    func garbage(_ payload: String) throws {
        let run = try StreamRun.everyCut(events(Self.words + "}", payload, Self.stop + "}", "[DONE]"))
        #expect(run.failure == .upstreamInvalid)
        #expect(run.text == events(Self.words + "}"))
    }

    @Test("Invalid UTF-8 ends the stream")
    func invalidUTF8() throws {
        let request = try ModelRequest(
            .chat,
            body: Array(#"{"model":"m","messages":[{"role":"user","content":""}]}"#.utf8)
        )
        let bytes = Array("data: {\"choices\":[],\"x\":\"".utf8) + [0xF0, 0x9F, 0x22] + Array("}\n\n".utf8)
        #expect(
            StreamRun.everyCut(bytes, of: Job(request, model: "m", key: "sk-test"), with: openAI).failure
                == .upstreamInvalid
        )
    }

    @Test(
        "An error event ends the stream with its meaning",
        arguments: [
            (
                #"{"error":{"message":"The server had an error","type":"server_error","code":null}}"#,
                GatewayError.Code.upstreamError
            ),
            (#"{"error":{"message":"Slow down","type":"rate_limit_error"}}"#, .rateLimitExceeded),
            (#"{"error":{"message":"m","code":"insufficient_quota"}}"#, .insufficientQuota),
            (#"{"error":{"message":"m","type":"overloaded_error"}}"#, .upstreamOverloaded),
            (#"{"error":{"message":"m","code":503}}"#, .upstreamOverloaded),
            (#"{"error":{"message":"m","code":"429"}}"#, .rateLimitExceeded),
            (#"{"error":{"message":"m","type":"BadRequestError","code":400}}"#, .invalidRequest),
            (#"{"error":{"message":"m","code":"context_length_exceeded"}}"#, .contextLengthExceeded),
            (#"{"error":"plain words"}"#, .upstreamError),
            (#"{"choices":[{"delta":{},"finish_reason":"insufficient_system_resource"}]}"#, .upstreamOverloaded),
        ]
    )
    func errorEvents(_ event: String, _ code: GatewayError.Code) throws {
        let run = try StreamRun.everyCut(events(Self.words + "}", event, "[DONE]"))
        #expect(run.failure == code)
        #expect(!run.isDone)
        #expect(run.text == events(Self.words + "}"))
    }

    @Test("A named error event is one, whatever its shape")
    func namedError() throws {
        let run = try StreamRun.everyCut(
            events(Self.words + "}") + "event: error\ndata: {\"message\":\"went wrong\"}\n\n"
        )
        #expect(run.failure == .upstreamError)
        #expect(run.message == "The upstream reported an error.", "what a vendor says of itself is not repeated")
    }

    @Test("A null error is none")
    func nullError() throws {
        let relayed = events(#"{"error":null,"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}"#)
        #expect(try StreamRun.everyCut(relayed + events("[DONE]")).text == relayed)
    }

    @Test("What is used up before an interruption is still known")
    func interruptedUsage() throws {
        let chunk = #"{"choices":[{"delta":{},"finish_reason":"insufficient_system_resource"}],"# + Self.usage + "}"
        #expect(try StreamRun.everyCut(events(chunk), with: deepSeek).usage?.total == 28)
    }

    @Test(
        "Other spellings of the same events are written in the plain one",
        arguments: ["\r\n", "\r", "\n"],
        ["data:", "data: ", ": hello\ndata: ", "event: message\nid: 7\ndata:"]
    )
    func spellings(_ end: String, _ field: String) throws {
        let stream = ["{\"choices\":[]}", Self.words + "}", Self.stop + "}", "[DONE]"].map { field + $0 + "\n\n" }
            .joined()
        let run = try StreamRun.everyCut("\u{FEFF}" + stream.replacing("\n", with: end))
        #expect(run.text == events("{\"choices\":[]}", Self.words + "}", Self.stop + "}"))
        #expect(run.isDone)
        #expect(run.count == 3)
    }

    @Test("Events over several lines leave as one line, edited ones too", arguments: ["\n", "\r\n", "\r"])
    func severalLines(_ end: String) throws {
        let lines = [
            "data: {\"choices\":", "data: [{\"delta\":{\"content\":\"a\"}}],", "data: \"usage\":null}", "", "",
        ]
        let stream = lines.joined(separator: end)
        let done = "data: [DONE]" + end + end
        let asked = try StreamRun.everyCut(stream + done, wantsUsage: true)
        #expect(asked.text == events(#"{"choices": [{"delta":{"content":"a"}}], "usage":null}"#))
        let hidden = try StreamRun.everyCut(stream + done)
        #expect(hidden.text == events(#"{"choices": [{"delta":{"content":"a"}}]}"#))
    }

    @Test("Nothing after the end is looked at", arguments: ["[DONE] and more", "[DONE]"])
    func afterDone(_ done: String) throws {
        let run = try StreamRun.everyCut(events(Self.stop + "}", done, "garbage", Self.words + "}"))
        #expect(run.isDone)
        #expect(run.text == events(Self.stop + "}"))
    }
}
