import Core
import OpenAIAPI
import Providers
import Testing

@Suite("Anthropic's streams")
struct AnthropicStreamTests {
    /// Events as the vendor sends them, each with its name.
    private static func stream(_ payloads: String...) -> String {
        payloads.map { payload in
            let name = payload.split(separator: "\"", omittingEmptySubsequences: false)[3]
            return "event: \(name)\ndata: \(payload)\n\n"
        }.joined()
    }

    private static func start(_ usage: String = #"{"input_tokens":9,"output_tokens":1}"#) -> String {
        #"{"type":"message_start","message":{"model":"claude-real","id":"msg_1","type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"usage":\#(usage)}}"#
    }

    private static func begin(_ index: Int, _ block: String) -> String {
        #"{"type":"content_block_start","index":\#(index),"content_block":\#(block)}"#
    }

    private static func delta(_ index: Int, _ delta: String, pad: String = "") -> String {
        #"{"type":"content_block_delta","index":\#(index),"delta":\#(delta)\#(pad)}"#
    }

    private static func end(_ index: Int) -> String { #"{"type":"content_block_stop","index":\#(index) }"# }

    private static func stop(
        _ reason: String,
        _ members: String = "",
        usage: String = #"{"output_tokens":5}"#
    ) -> String {
        #"{"type":"message_delta","delta":{"stop_reason":"\#(reason)","stop_sequence":null\#(members)},"usage":\#(usage)}"#
    }

    private static let over = #"{"type":"message_stop"}"#
    private static let text = #"{"type":"text","text":""}"#
    private static let ping = #"{"type": "ping"}"#

    private func run(
        _ stream: String,
        _ members: String = "",
        model: String = "claude-sonnet-4-5"
    ) throws -> StreamRun {
        let job = try anthropicJob(#","stream":true"# + members, model: model)
        return StreamRun.everyCut(Array(stream.utf8), of: job, with: anthropic)
    }

    /// What stands before the delta in each chunk of these streams, and what behind it.
    private static func chunk(
        _ delta: String,
        finish: String = "null",
        _ members: String = "",
        tail: String = ""
    ) -> String {
        #"data: {"id":"msg_1","object":"chat.completion.chunk","created":1700000000,"model":"claude-real","choices":[{"index":0,"delta":{"#
            + delta + #"},"logprobs":null,"finish_reason":\#(finish)\#(members)}]\#(tail)}"# + "\n\n"
    }

    private static let ended = chunk("", finish: #""stop""#, #","native_finish_reason":"end_turn""#)

    @Test("Text, with pads, pings and what nobody knows yet")
    func words() throws {
        let run = try run(
            Self.stream(
                Self.start(),
                Self.ping,
                Self.begin(0, Self.text),
                Self.delta(0, #"{"type":"text_delta","text":"Hel"}"#, pad: "   "),
                #"{"type":"new_event","x":[1]}"#,
                Self.delta(0, #"{"type":"text_delta","text":"lo \"you\"\n"}"#),
                Self.delta(0, #"{"type":"text_delta","text":"夜市🎏\u00e9\ud83d\ude00"}"#, pad: " "),
                Self.delta(0, #"{"type":"new_delta","y":1}"#),
                Self.delta(0, #"{"type":"text_delta","text":""}"#),
                Self.delta(0, #"{"type":"text_delta","text":"!"}"#),
                Self.end(0),
                Self.stop("end_turn"),
                Self.over
            )
        )
        #expect(
            run.text == Self.chunk(#""role":"assistant","content":"Hel""#) + Self.chunk(#""content":"lo \"you\"\n""#)
                + Self.chunk(#""content":"夜市🎏\u00e9\ud83d\ude00""#) + Self.chunk(#""content":"!""#) + Self.ended
        )
        #expect(run.isDone)
        #expect(run.hasContent)
        #expect(run.count == 13)
        #expect(run.usage == TokenUsage(prompt: 9, completion: 5))
        #expect(run.kept == [])
    }

    /// The transcript of the sheet.
    private static let sheet = stream(
        start(
            #"{"input_tokens":21,"cache_creation_input_tokens":100,"cache_read_input_tokens":300,"output_tokens":3,"service_tier":"standard"}"#
        ),
        begin(0, #"{"type":"thinking","thinking":"","signature":""}"#),
        ping,
        delta(0, #"{"type":"thinking_delta","thinking":"Need the weather"}"#, pad: "    "),
        delta(0, #"{"type":"thinking_delta","thinking":" tool."}"#),
        delta(0, #"{"type":"signature_delta","signature":"EqQBsim=="}"#),
        end(0),
        begin(1, text),
        delta(1, #"{"type":"text_delta","text":"查詢中…"}"#),
        end(1),
        begin(2, #"{"type":"tool_use","id":"toolu_S1","name":"get_weather","input":{}}"#),
        delta(2, #"{"type":"input_json_delta","partial_json":""}"#),
        delta(2, #"{"type":"input_json_delta","partial_json":"{\"city\": \"Tai"}"#),
        delta(2, #"{"type":"input_json_delta","partial_json":"pei\"}"}"#),
        end(2),
        begin(3, #"{"type":"tool_use","id":"toolu_S2","name":"get_time","input":{}}"#),
        end(3),
        #"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":21,"cache_creation_input_tokens":100,"cache_read_input_tokens":300,"output_tokens":57}}"#,
        over
    )

    @Test("Thinking, text and two calls, one without arguments")
    func tools() throws {
        let run = try run(
            Self.sheet,
            #","tools":[{"type":"function","function":{"name":"f"}}],"stream_options":{"include_usage":true}"#
        )
        func chunk(_ delta: String) -> String { Self.chunk(delta, tail: #","usage":null"#) }
        func call(_ index: Int, _ id: String, _ name: String) -> String {
            #""tool_calls":[{"index":\#(index),"id":"\#(id)","type":"function","function":{"name":"\#(name)","arguments":""}}]"#
        }
        func piece(_ index: Int, _ text: String) -> String {
            #""tool_calls":[{"index":\#(index),"function":{"arguments":"\#(text)"}}]"#
        }
        let expected =
            chunk(#""role":"assistant","content":null,"reasoning_content":"Need the weather""#)
            + chunk(#""reasoning_content":" tool.""#)
            + chunk(#""thinking_blocks":[{"index":0,"type":"thinking","signature":"EqQBsim=="}]"#)
            + chunk(#""content":"查詢中…""#) + chunk(call(0, "toolu_S1", "get_weather"))
            + chunk(piece(0, #"{\"city\": \"Tai"#)) + chunk(piece(0, #"pei\"}"#))
            + chunk(call(1, "toolu_S2", "get_time")) + chunk(piece(1, "{}"))
            + Self.chunk(
                "",
                finish: #""tool_calls""#,
                #","native_finish_reason":"tool_use""#,
                tail: #","usage":null"#
            )
        #expect(run.text.hasPrefix(expected))
        #expect(
            run.text.dropFirst(expected.count)
                == #"data: {"id":"msg_1","object":"chat.completion.chunk","created":1700000000,"model":"claude-real","choices":[],"usage":{"prompt_tokens":421,"completion_tokens":57,"total_tokens":478,"prompt_tokens_details":{"cached_tokens":300,"cache_write_tokens":100},"completion_tokens_details":{"reasoning_tokens":0}}}"#
                + "\n\n"
        )
        #expect(run.usage == TokenUsage(prompt: 421, completion: 57, cached: 300, cacheWrite: 100))
        #expect(
            run.kept == [
                KeptState(
                    call: "toolu_S1",
                    state: Array(
                        #"[{"type":"thinking","thinking":"Need the weather tool.","signature":"EqQBsim=="}]"#.utf8
                    )
                )
            ]
        )
        #expect(run.isDone)
    }

    @Test("Thinking between texts is kept with its place; redacted thinking is shown and kept")
    func interleaved() throws {
        let run = try run(
            Self.stream(
                Self.start(),
                Self.begin(0, #"{"type":"redacted_thinking","data":"Zm9v"}"#),
                Self.end(0),
                Self.begin(1, Self.text),
                Self.delta(1, #"{"type":"text_delta","text":"a"}"#),
                Self.delta(1, #"{"type":"text_delta","text":"\n"}"#),
                Self.end(1),
                Self.begin(2, #"{"type":"thinking","thinking":"","signature":""}"#),
                Self.delta(2, #"{"type":"signature_delta","signature":"S1"}"#),
                Self.end(2),
                Self.begin(3, #"{"type":"tool_use","id":"t1","name":"f","input":{}}"#),
                Self.delta(3, #"{"type":"input_json_delta","partial_json":"{}"}"#),
                Self.end(3),
                Self.stop("tool_use"),
                Self.over
            ),
            #","tools":[{"type":"function","function":{"name":"f"}}]"#
        )
        #expect(
            run.text.hasPrefix(
                Self.chunk(
                    #""role":"assistant","content":null,"thinking_blocks":[{"index":0,"type":"redacted_thinking","data":"Zm9v"}]"#
                )
            )
        )
        #expect(run.text.contains(#""thinking_blocks":[{"index":1,"type":"thinking","signature":"S1"}]"#))
        #expect(
            run.kept.map(\.state.text) == [
                #"[{"type":"redacted_thinking","data":"Zm9v"},{"type":"text","text":"a\n"},{"type":"thinking","thinking":"","signature":"S1"},{"type":"tool_use","id":"t1"}]"#
            ]
        )
    }

    @Test("A thought alone, a role or an empty text is no content")
    func noContent() throws {
        let run = try run(
            Self.stream(
                Self.start(),
                Self.ping,
                Self.begin(0, #"{"type":"thinking","thinking":"","signature":""}"#),
                Self.delta(0, #"{"type":"thinking_delta","thinking":""}"#),
                Self.delta(0, #"{"type":"signature_delta","signature":"S"}"#),
                Self.end(0),
                Self.begin(1, Self.text),
                Self.delta(1, #"{"type":"text_delta","text":""}"#)
            )
        )
        #expect(!run.hasContent)
        #expect(run.failure == .upstreamCut)
    }

    @Test("What a block began with is said when no pieces say it, and once")
    func openings() throws {
        let run = try run(
            Self.stream(
                Self.start(),
                Self.begin(0, #"{"type":"text","text":"whole"}"#),
                Self.end(0),
                Self.begin(1, #"{"type":"text","text":"twi"}"#),
                Self.delta(1, #"{"type":"text_delta","text":"twice"}"#),
                Self.end(1),
                Self.begin(2, #"{"type":"tool_use","id":"t","name":"f","input":{"a":1}}"#),
                Self.end(2),
                Self.begin(3, #"{"type":"thinking","thinking":"hm","signature":"S"}"#),
                Self.stop("tool_use"),
                Self.over
            )
        )
        #expect(
            run.text == Self.chunk(#""role":"assistant","content":"whole""#) + Self.chunk(#""content":"twice""#)
                + Self.chunk(
                    #""tool_calls":[{"index":0,"id":"t","type":"function","function":{"name":"f","arguments":""}}]"#
                ) + Self.chunk(#""tool_calls":[{"index":0,"function":{"arguments":"{\"a\":1}"}}]"#)
                + Self.chunk(#""reasoning_content":"hm""#)
                + Self.chunk(#""thinking_blocks":[{"index":0,"type":"thinking","signature":"S"}]"#)
                + Self.chunk("", finish: #""tool_calls""#, #","native_finish_reason":"tool_use""#)
        )
    }

    @Test("A second beginning changes nothing but the count")
    func spliced() throws {
        let run = try run(
            Self.stream(
                Self.start(),
                Self.begin(0, Self.text),
                Self.delta(0, #"{"type":"text_delta","text":"a"}"#),
                Self.start(#"{"input_tokens":12,"output_tokens":null}"#),
                Self.delta(0, #"{"type":"text_delta","text":"b"}"#),
                Self.stop("end_turn"),
                Self.over
            )
        )
        #expect(
            run.text == Self.chunk(#""role":"assistant","content":"a""#) + Self.chunk(#""content":"b""#) + Self.ended
        )
        #expect(run.usage == TokenUsage(prompt: 12, completion: 5))
    }

    @Test("The vendor's own tools are no calls of the client's")
    func serverTools() throws {
        let run = try run(
            Self.stream(
                Self.start(),
                Self.begin(0, #"{"type":"server_tool_use","id":"s","name":"web_search","input":{}}"#),
                Self.delta(0, #"{"type":"input_json_delta","partial_json":"{\"q\":1}"}"#),
                Self.end(0),
                Self.begin(1, #"{"type":"web_search_tool_result","tool_use_id":"s","content":[]}"#),
                Self.end(1),
                Self.begin(2, #"{"type":"text","text":"","citations":[]}"#),
                Self.delta(
                    2,
                    #"{"type":"citations_delta","citation":{"type":"web_search_result_location","url":"https://h/","title":"T","cited_text":"c"}}"#
                ),
                Self.delta(2, #"{"type":"text_delta","text":"found"}"#),
                Self.end(2),
                Self.stop("end_turn"),
                Self.over
            )
        )
        #expect(
            run.text
                == Self.chunk(
                    #""role":"assistant","content":null,"annotations":[{"type":"url_citation","url_citation":{"url":"https://h/","title":"T"},"citation":{"type":"web_search_result_location","url":"https://h/","title":"T","cited_text":"c"}}]"#
                ) + Self.chunk(#""content":"found""#) + Self.ended
        )
    }

    @Test(
        "Every reason to stop has its word",
        arguments: [
            ("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length"),
            ("model_context_window_exceeded", "length"), ("pause_turn", "stop"), ("refusal", "content_filter"),
            ("tool_use", "stop"), ("compaction", "stop"),
        ]
    )
    func reasons(_ native: String, _ expected: String) throws {
        let run = try run(Self.stream(Self.start(), Self.stop(native), Self.over))
        #expect(
            run.text
                == Self.chunk(
                    #""role":"assistant","content":"""#,
                    finish: "\"\(expected)\"",
                    #","native_finish_reason":"\#(native)""#
                )
        )
    }

    @Test("A refusal says why")
    func refusal() throws {
        let details = #"{"type":"refusal","category":"cyber","explanation":"Not that."}"#
        let run = try run(Self.stream(Self.start(), Self.stop("refusal", #","stop_details":\#(details)"#), Self.over))
        #expect(
            run.text == Self.chunk(#""role":"assistant","content":null,"refusal":"Not that.""#)
                + Self.chunk(
                    "",
                    finish: #""content_filter""#,
                    #","native_finish_reason":"refusal","stop_details":\#(details)"#
                )
        )
    }

    @Test("An answer that came as a tool's arguments is text, and nothing else is")
    func jsonTool() throws {
        let format = #","response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}}"#
        let answer = Self.begin(1, #"{"type":"tool_use","id":"t","name":"json_tool_call","input":{}}"#)
        let words = [Self.begin(0, Self.text), Self.delta(0, #"{"type":"text_delta","text":"Here:"}"#), Self.end(0)]
        let run = try run(
            Self.stream(
                Self.start(),
                words[0],
                words[1],
                words[2],
                answer,
                Self.delta(1, #"{"type":"input_json_delta","partial_json":"{\"a\""}"#),
                Self.delta(1, #"{"type":"input_json_delta","partial_json":":1}"}"#),
                Self.end(1),
                Self.stop("tool_use"),
                Self.over
            ),
            format,
            model: "claude-sonnet-4-0"
        )
        #expect(
            run.text == Self.chunk(#""role":"assistant","content":"{\"a\"""#) + Self.chunk(#""content":":1}""#)
                + Self.chunk("", finish: #""stop""#, #","native_finish_reason":"tool_use""#)
        )
        // Without the call the text is what there is.
        let plain = try self.run(
            Self.stream(Self.start(), words[0], words[1], words[2], Self.stop("end_turn"), Self.over),
            format,
            model: "claude-sonnet-4-0"
        )
        #expect(plain.text == Self.chunk(#""role":"assistant","content":"Here:""#) + Self.ended)
    }

    @Test("Without its last event a stream was cut, wherever it ends")
    func cut() throws {
        let whole = Array(Self.sheet.utf8)
        let job = try anthropicJob(#","stream":true"#)
        for length in stride(from: 0, to: whole.count - 2, by: 7) {
            let run = StreamRun([whole[..<length]], of: job, with: anthropic)
            #expect(run.failure == .upstreamCut, "after \(length) bytes")
            #expect(!run.isDone)
            #expect(run.kept == [])
        }
        // A last event may lack its blank line.
        #expect(StreamRun([whole.dropLast(2)], of: job, with: anthropic).isDone)
    }

    @Test(
        "Errors in the stream are what they are before it",
        arguments: [
            ("overloaded_error", GatewayError.Code.upstreamOverloaded), ("rate_limit_error", .rateLimitExceeded),
            ("api_error", .upstreamError), ("timeout_error", .upstreamTimeout), ("billing_error", .insufficientQuota),
            ("authentication_error", .upstreamRefusedCredentials), ("invalid_request_error", .invalidRequest),
            ("new_error", .upstreamError),
        ]
    )
    func errors(_ type: String, _ code: GatewayError.Code) throws {
        let error =
            #"{"type":"error","error":{"type":"\#(type)","message":"At 10.0.0.1 with sk-ant-api03-abcdefgh"},"request_id":"r"}"#
        let run = try run(
            Self.stream(
                Self.start(),
                Self.begin(0, Self.text),
                Self.delta(0, #"{"type":"text_delta","text":"Par"}"#),
                error
            )
        )
        #expect(run.text == Self.chunk(#""role":"assistant","content":"Par""#))
        #expect(run.failure == code)
        #expect(run.message?.contains("10.0.0.1") == false)
        #expect(run.message?.contains("sk-ant") == false)
        let early = try self.run(Self.stream(Self.start(), error))
        #expect(!early.hasContent)
        #expect(early.failure == code)
    }

    @Test(
        "What is no such stream is not taken for one",
        arguments: [
            "data: {\n\n", "data: []\n\n", "data: 7\n\n", "data: {\"type\":7}\n\ndata: x\n\n",
            stream(over), stream(delta(0, #"{"type":"text_delta","text":"x"}"#)),
            stream(start(), begin(0, #"{"type":"tool_use","id":"t"}"#)),
            stream(
                start(),
                begin(0, #"{"type":"tool_use","id":"t","name":"f"}"#),
                delta(1, #"{"type":"input_json_delta","partial_json":"{"}"#)
            ),
        ]
    )
    func garbled(_ stream: String) throws {
        #expect(try run(stream).failure == .upstreamInvalid)
    }

    @Test(
        "Odd members do no harm",
        arguments: [
            #"{"type":"message_start"}"#,
            #"{"type":"message_start","message":{"id":7,"model":[],"usage":{"input_tokens":-5,"output_tokens":9223372036854775807}}}"#,
            begin(0, #"{"type":"text","text":{"a":1}}"#),
            begin(0, #"{"type":"thinking","thinking":[1],"signature":7}"#),
            begin(0, #"{"type":"tool_use","id":5,"name":"f","input":"text"}"#),
            begin(0, #"{"type":"redacted_thinking"}"#),
            #"{"type":"content_block_start"}"#, #"{"type":"content_block_delta"}"#, delta(0, #"{"type":"text_delta"}"#),
            delta(0, #"{"type":"signature_delta","signature":{}}"#),
            delta(0, #"{"type":"citations_delta","citation":7}"#),
            delta(0, #"{"type":"input_json_delta","partial_json":{}}"#),
            #"{"type":"message_delta","delta":7,"usage":[]}"#,
        ]
    )
    func odd(_ event: String) throws {
        let run = try run(Self.stream(Self.start(), event, Self.stop("end_turn"), Self.over))
        #expect(run.isDone)
    }

    @Test("Ids are made unique")
    func ids() throws {
        func call(_ index: Int, _ id: String) -> String {
            Self.begin(index, #"{"type":"tool_use","id":"\#(id)","name":"f","input":{}}"#)
        }
        let run = try run(
            Self.stream(Self.start(), call(0, "t"), call(1, "t"), call(2, ""), Self.stop("tool_use"), Self.over)
        )
        let ids = run.text.matches(of: /"id":"([^"]*)","type":"function"/).map { String($0.output.1) }
        #expect(ids.count == 3)
        #expect(Set(ids).count == 3)
        #expect(!ids.contains(""))
    }

    @Test("A long stream of one read costs no more than its bytes")
    func burst() throws {
        let piece =
            "event: content_block_delta\ndata: " + Self.delta(0, #"{"type":"text_delta","text":"abc"}"#) + "\n\n"
        let bytes = Array(
            (Self.stream(Self.start(), Self.begin(0, Self.text)) + String(repeating: piece, count: 5000)
                + Self.stream(Self.end(0), Self.stop("end_turn"), Self.over)).utf8
        )
        let job = try anthropicJob(#","stream":true"#)
        let pieces = stride(from: 0, to: bytes.count, by: 4096).map { bytes[$0..<min($0 + 4096, bytes.count)] }
        let run = StreamRun(pieces, of: job, with: anthropic)
        #expect(run.isDone)
        #expect(run.count == 5005)
        #expect(run.text.matches(of: /"content":"abc"/).count == 5000)
    }
}
