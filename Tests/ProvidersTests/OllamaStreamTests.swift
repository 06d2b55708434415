import Core
import OpenAIAPI
import Providers
import Testing

@Suite("Ollama's streams")
struct OllamaStreamTests {
    private func run(_ lines: String..., members: String = "", end: String = "\n") throws -> StreamRun {
        let job = try ollamaJob(#","stream":true"# + members)
        return StreamRun.everyCut(Array((lines.joined(separator: "\n") + end).utf8), of: job, with: ollama)
    }

    private static func line(_ message: String, _ members: String = "") -> String {
        #"{"model":"qwen3:8b","created_at":"2023-11-14T22:13:20.1Z","message":{"role":"assistant",\#(message)},"done":false\#(members)}"#
    }

    private static func last(
        _ members: String = #","done_reason":"stop","prompt_eval_count":143,"eval_count":97"#
    ) -> String {
        #"{"model":"qwen3:8b","created_at":"2023-11-14T22:13:21Z","message":{"role":"assistant","content":""},"done":true\#(members)}"#
    }

    private static func chunk(
        _ delta: String,
        finish: String = "null",
        _ members: String = "",
        logprobs: String = "null"
    ) -> String {
        #"data: {"id":"chatcmpl-abc","object":"chat.completion.chunk","created":1700000000,"model":"qwen3:8b","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"#
            + delta + #"},"logprobs":\#(logprobs),"finish_reason":\#(finish)\#(members)}]}"# + "\n\n"
    }

    private static let stopped = chunk("", finish: #""stop""#, #","native_finish_reason":"stop""#)

    @Test("Thinking, text, calls on lines of their own, and the numbers of the last line")
    func transcript() throws {
        let run = try run(
            Self.line(#""content":"","thinking":"User wants""#),
            Self.line(#""content":"","thinking":" weather.""#),
            Self.line(#""content":"查詢🎏""#),
            Self.line(
                #""content":"","tool_calls":[{"id":"call_ab12","function":{"index":0,"name":"get_weather","arguments":{"city":"Taipei"}}}]"#
            ),
            Self.line(
                #""content":"","tool_calls":[{"id":"call_ab13","function":{"index":1,"name":"get_weather","arguments":{"city":"Tainan"}}}]"#
            ),
            Self.last(
                #","done_reason":"stop","total_duration":41,"load_duration":9,"prompt_eval_count":143,"eval_count":97"#
            )
        )
        let call = { (index: Int, id: String, city: String) in
            Self.chunk(
                #""tool_calls":[{"index":\#(index),"id":"\#(id)","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"\#(city)\"}"}}]"#
            )
        }
        #expect(
            run.text == Self.chunk(#""role":"assistant","content":null,"reasoning_content":"User wants""#)
                + Self.chunk(#""reasoning_content":" weather.""#) + Self.chunk(#""content":"查詢🎏""#)
                + call(0, "call_ab12", "Taipei") + call(1, "call_ab13", "Tainan")
                + Self.chunk(
                    "",
                    finish: #""tool_calls""#,
                    #","native_finish_reason":"stop","timings":{"total_duration":41,"load_duration":9}"#
                )
        )
        #expect(run.isDone && run.count == 6 && run.hasContent)
        #expect(run.usage == TokenUsage(prompt: 143, completion: 97))
    }

    @Test("Calls without ids, with one id twice, and without an index stay apart")
    func calls() throws {
        let run = try run(
            Self.line(
                #""content":"","tool_calls":[{"function":{"name":"f","arguments":{}}},{"id":"a","function":{"name":"g"}}]"#
            ),
            Self.line(
                #""content":"","tool_calls":[{"id":"a","function":{"index":0,"name":"h","arguments":"{\"x\":1}"}}]"#
            ),
            Self.last()
        )
        for part in [
            #""index":0,"id":"call_abc_0","type":"function","function":{"name":"f","arguments":"{}"}"#,
            #""index":1,"id":"a","type":"function","function":{"name":"g","arguments":"{}"}"#,
            #""index":2,"id":"call_abc_2","type":"function","function":{"name":"h","arguments":"{\"x\":1}"}"#,
        ] { #expect(run.text.contains(part)) }
    }

    @Test(
        "A last line without a message, without counts, or without its line break",
        arguments: [
            (#"{"done":true}"#, nil),
            (#"{"done":true,"done_reason":"stop","eval_count":3}"#, TokenUsage(completion: 3)),
            (#"{"done":true,"message":null,"eval_count":-1,"prompt_eval_count":"x"}"#, TokenUsage()),
        ] as [(String, TokenUsage?)]
    )
    func bareEnd(last: String, usage: TokenUsage?) throws {
        let run = try run(Self.line(#""content":"hi""#), last, end: "")
        #expect(run.isDone && run.usage == usage)
        #expect(run.text.contains(#""finish_reason":"stop""#))
    }

    @Test("Each reason", arguments: [("stop", "stop"), ("length", "length"), ("load", "stop"), ("unload", "stop")])
    func reasons(native: String, reason: String) throws {
        let run = try run(Self.last(#","done_reason":"\#(native)""#))
        #expect(run.isDone)
        #expect(run.text.contains(#""finish_reason":"\#(reason)","native_finish_reason":"\#(native)""#))
    }

    @Test("The trailer comes to who asked for it, with no cached or reasoning tokens invented")
    func trailer() throws {
        let run = try run(
            Self.line(#""content":"hi""#),
            Self.last(),
            members: #","stream_options":{"include_usage":true}"#
        )
        #expect(
            run.text.hasSuffix(
                #""choices":[],"usage":{"prompt_tokens":143,"completion_tokens":97,"total_tokens":240,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}"#
                    + "\n\n"
            )
        )
    }

    @Test("Probabilities stay beside their text")
    func logprobs() throws {
        let entry = #"[{"token":"hi","logprob":-0.5,"bytes":[104,105],"top_logprobs":[]}]"#
        let run = try run(Self.line(#""content":"hi""#, #","logprobs":\#(entry)"#), Self.last())
        #expect(
            run.text.hasPrefix(
                Self.chunk(
                    #""role":"assistant","content":"hi""#,
                    logprobs: #"{"content":\#(entry),"refusal":null}"#
                )
            )
        )
    }

    @Test("Thoughts that an old model puts into its text, escaped or in pieces")
    func marks() throws {
        let run = try run(
            Self.line(#""content":"\u003cthi""#),
            Self.line(#""content":"nk\u003e\nhm, ""#),
            Self.line(#""content":"夜\n</thi""#),
            Self.line(#""content":"nk>\n\n""#),
            Self.line(#""content":"yes <think>""#),
            Self.line(#""content":"!""#),
            Self.last()
        )
        #expect(
            run.text == Self.chunk(#""role":"assistant","content":null,"reasoning_content":"hm,""#)
                + Self.chunk(#""reasoning_content":" 夜""#) + Self.chunk(#""content":"yes <think>""#)
                + Self.chunk(#""content":"!""#) + Self.stopped
        )
    }

    @Test("A text that merely looks like thoughts is one", arguments: ["<thin", "<thinking>", "\n <", "x<think>"])
    func noMarks(text: String) throws {
        let escaped = text.replacing("\n", with: "\\n")
        let run = try run(Self.line(#""content":"\#(escaped)""#), Self.last())
        #expect(run.text == Self.chunk(#""role":"assistant","content":"\#(escaped)""#) + Self.stopped)
    }

    @Test("An error line ends the stream, in our words")
    func errorLine() throws {
        let run = try run(
            Self.line(#""content":"Once""#),
            #"{"error":"an error was encountered while running the model: CUDA error: out of memory at 10.0.0.1:80"}"#
        )
        #expect(run.failure == .upstreamError && !run.isDone)
        #expect(run.message?.contains("CUDA") == false)
        #expect(run.text == Self.chunk(#""role":"assistant","content":"Once""#))
        #expect(try self.run(#"{"error":"server busy, please try again."}"#).failure == .upstreamOverloaded)
    }

    @Test("What ends before it is done is cut", arguments: ["", line(#""content":"x""#), #"{"message":{"con"#])
    func cut(stream: String) throws {
        #expect(try run(stream, end: "").failure == .upstreamCut)
    }

    @Test("A role and an empty text are no content")
    func emptyLine() throws {
        let run = try run(Self.line(#""content":"","thinking":"""#), end: "")
        #expect(!run.hasContent && run.text.isEmpty && run.count == 1)
    }

    @Test(
        "What is no answer is refused without a trap",
        arguments: [
            "[]", "1", "{oops}", #"{"message":{"tool_calls":[{"function":{}}]}}"#, #"{"message":{"tool_calls":[3]}}"#,
        ]
    )
    func garbage(line: String) throws {
        #expect(try run(line).failure == .upstreamInvalid)
    }

    @Test("Members of the wrong kind are passed over")
    func wrongKinds() throws {
        let run = try run(
            #"{"model":3,"created_at":[],"message":{"content":5,"thinking":{},"tool_calls":"x"},"logprobs":{}}"#,
            #"{"message":7,"done":true,"done_reason":9}"#
        )
        #expect(run.isDone)
    }
}
