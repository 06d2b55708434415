import Core
import OpenAIAPI
import Providers
import Testing

@Suite("Anthropic's whole answers")
struct AnthropicAnswerTests {
    private func answer(
        _ content: String,
        _ reason: String = "end_turn",
        _ members: String = "",
        request: String = "",
        model: String = "claude-sonnet-4-5"
    ) throws -> PlainAnswer {
        let body =
            #"{"id":"msg_1","type":"message","role":"assistant","model":"claude-real","content":\#(content),"stop_reason":"\#(reason)","stop_sequence":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":2,"cache_read_input_tokens":3,"output_tokens":40,"output_tokens_details":{"thinking_tokens":21}}\#(members)}"#
        return try anthropic.translateAnswer(Array(body.utf8), to: anthropicJob(request, model: model))
    }

    private static func expected(_ message: String, _ finish: String, _ choice: String) -> String {
        #"{"id":"msg_1","object":"chat.completion","created":1700000000,"model":"claude-real","choices":[{"index":0,"message":{"role":"assistant",\#(message)},"logprobs":null,"finish_reason":"\#(finish)"\#(choice)}],"usage":{"prompt_tokens":17,"completion_tokens":40,"total_tokens":57,"prompt_tokens_details":{"cached_tokens":3,"cache_write_tokens":2},"completion_tokens_details":{"reasoning_tokens":21}}}"#
    }

    @Test("Text in several blocks is one")
    func text() throws {
        let plain = try answer(#"[{"type":"text","text":"Hé"},{"type":"text","text":"llo\n"}]"#)
        #expect(
            plain.body.text
                == Self.expected(#""content":"Héllo\n","refusal":null"#, "stop", #","native_finish_reason":"end_turn""#)
        )
        #expect(plain.usage == TokenUsage(prompt: 17, completion: 40, cached: 3, cacheWrite: 2, reasoning: 21))
    }

    @Test("Thinking, text and calls")
    func tools() throws {
        let thought = #"{"type":"thinking","thinking":"hm\n","signature":"Eo0"}"#
        let plain = try answer(
            #"[\#(thought),{"type":"redacted_thinking","data":"abc"},{"type":"text","text":"ok"},{"type":"tool_use","id":"t1","name":"f","input":{"a": "b"}},{"type":"tool_use","id":"t2","name":"g","input":{}},{"type":"tool_use","id":"t2","name":"g"}]"#,
            "tool_use"
        )
        func call(_ id: String, _ name: String, _ arguments: String) -> String {
            #"{"id":"\#(id)","type":"function","function":{"name":"\#(name)","arguments":"\#(arguments)"}}"#
        }
        let calls = [
            call("t1", "f", #"{\"a\": \"b\"}"#), call("t2", "g", "{}"), call("t2toolu_1700000000_0_2", "g", "{}"),
        ]
        #expect(
            plain.body.text
                == Self.expected(
                    #""content":"ok","refusal":null,"reasoning_content":"hm\n","tool_calls":[\#(calls.joined(separator: ","))],"thinking_blocks":[\#(thought),{"type":"redacted_thinking","data":"abc"}]"#,
                    "tool_calls",
                    #","native_finish_reason":"tool_use""#
                )
        )
        #expect(
            plain.kept == [
                KeptState(call: "t1", state: Array(#"[\#(thought),{"type":"redacted_thinking","data":"abc"}]"#.utf8))
            ]
        )
    }

    @Test(
        "Reasons and what is beside them",
        arguments: [
            ("stop_sequence", "stop", ""), ("max_tokens", "length", ""),
            ("model_context_window_exceeded", "length", ""),
            ("tool_use", "stop", ""), ("pause_turn", "stop", ""),
            ("refusal", "content_filter", #","stop_details":{"category":"bio"}"#),
        ]
    )
    func reasons(_ native: String, _ finish: String, _ members: String) throws {
        let refusal = native == "refusal" ? #""bio""# : "null"
        #expect(
            try answer("[]", native, members).body.text
                == Self.expected(
                    #""content":null,"refusal":\#(refusal)"#,
                    finish,
                    #","native_finish_reason":"\#(native)"\#(members)"#
                )
        )
    }

    @Test("Citations are annotations with their place in the text")
    func citations() throws {
        let web = #"{"type":"web_search_result_location","url":"https://h/","title":"T"}"#
        let page = #"{"type":"page_location","document_index":0}"#
        let plain = try answer(
            #"[{"type":"text","text":"é: "},{"type":"text","text":"fact","citations":[\#(web),\#(page)]}]"#
        )
        #expect(
            plain.body.text.contains(
                #""annotations":[{"type":"url_citation","url_citation":{"url":"https://h/","title":"T","start_index":3,"end_index":7},"citation":\#(web)},{"type":"citation","citation":\#(page)}]"#
            )
        )
    }

    @Test("The answer may be a tool's arguments")
    func jsonTool() throws {
        let format = #","response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}}"#
        let plain = try answer(
            #"[{"type":"text","text":"Here"},{"type":"tool_use","id":"t","name":"json_tool_call","input":{"a":1}}]"#,
            "tool_use",
            request: format,
            model: "claude-sonnet-4-0"
        )
        #expect(
            plain.body.text
                == Self.expected(
                    #""content":"{\"a\":1}","refusal":null"#,
                    "stop",
                    #","native_finish_reason":"tool_use""#
                )
        )
        #expect(plain.kept == [])
    }

    @Test("Several answers are choices of one, and all is counted")
    func choices() throws {
        func body(_ text: String) -> [UInt8] {
            Array(
                #"{"id":"msg_\#(text)","content":[{"type":"text","text":"\#(text)"}],"stop_reason":"end_turn","usage":{"input_tokens":5,"output_tokens":2}}"#
                    .utf8
            )
        }
        let plain = try anthropic.translateAnswers([body("a"), body("b")], to: anthropicJob(#","n":2"#))
        #expect(plain.usage == TokenUsage(prompt: 10, completion: 4))
        #expect(plain.body.text.contains(#"{"index":1,"message":{"role":"assistant","content":"b""#))
        #expect(plain.body.text.hasPrefix(#"{"id":"msg_a","#))
    }

    @Test("The tier that served it is named in OpenAI's words")
    func tier() throws {
        for (given, expected) in [("standard", "default"), ("priority", "priority")] {
            let body = #"{"content":[],"usage":{"service_tier":"\#(given)"}}"#
            let plain = try anthropic.translateAnswer(Array(body.utf8), to: anthropicJob())
            #expect(plain.body.text.hasSuffix(#","service_tier":"\#(expected)"}"#))
        }
    }

    @Test(
        "What is no answer is not passed off as one",
        arguments: [
            ("", GatewayError.Code.upstreamInvalid), ("<html>", .upstreamInvalid), ("[]", .upstreamInvalid),
            (#"{"content":{}}"#, .upstreamInvalid), ("{}", .upstreamInvalid),
            (#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#, .upstreamOverloaded),
        ]
    )
    func refuses(_ body: String, _ code: GatewayError.Code) throws {
        let job = try anthropicJob()
        let error = #expect(throws: GatewayError.self) { try anthropic.translateAnswer(Array(body.utf8), to: job) }
        #expect(error?.code == code)
        #expect(error?.retry == .elsewhere)
    }

    @Test(
        "Odd blocks do no harm",
        arguments: [
            "[7]", "[null,{}]", #"[{"type":7}]"#, #"[{"type":"text","text":7}]"#, #"[{"type":"thinking"}]"#,
            #"[{"type":"tool_use","name":""}]"#, #"[{"type":"text","text":"","citations":[7]}]"#,
            #"[{"type":"web_search_tool_result","content":[]}]"#,
        ]
    )
    func odd(_ content: String) throws {
        #expect(try answer(content).body.text.contains(#""content":null"#))
    }
}
