import Core
import JSON
import OpenAIAPI
import Providers
import Testing

@Suite("Streams of engines")
struct TolerantStreamTests {
    private func run(_ stream: String, kind: String? = "vllm", _ members: String = "") throws -> StreamRun {
        let job = try engineJob(kind, #","stream":true\#(members)"#)
        return StreamRun.everyCut(Array(stream.utf8), of: job, with: huggingFace)
    }

    private static let usage = #","stream_options":{"include_usage":true}"#

    private func delta(_ chunk: JSONValue) -> JSONValue? { chunk["choices"]?[0]?["delta"] }
    private func reason(_ chunk: JSONValue) -> String? { chunk["choices"]?[0]?["finish_reason"]?.string }

    @Test("TGI: a tool call in pieces with the id 0, the role in each, and no reason at its end")
    func toolsOfTGI() throws {
        func piece(_ name: String, _ arguments: String) -> String {
            #"{"object":"chat.completion.chunk","id":"","created":1794900300,"model":"meta-llama/L","#
                + #""system_fingerprint":"3.3.6","choices":[{"index":0,"delta":{"role":"assistant","content":null,"#
                + #""tool_calls":[{"index":0,"id":"0","type":"function","function":{"name":\#(name),"#
                + #""arguments":\#(arguments)}}]},"logprobs":null,"finish_reason":null}],"usage":null}"#
        }
        let stream = events(piece(#""get_weather""#, #""{""#), piece("null", #""\"city\":\"Taipei\"}""#))
        for ending in ["data: [DONE]\n\n", ""] {
            let run = try run(stream + ending, kind: "tgi")
            #expect(run.isDone)
            let chunks = try chunks(run.text)
            #expect(chunks.count == 3)
            #expect(delta(chunks[0])?["role"]?.string == "assistant")
            let first = try #require(delta(chunks[0])?["tool_calls"]?[0])
            #expect(first["id"]?.string == "call_0000000000abc")
            #expect(first["function"]?["name"]?.string == "get_weather")
            let second = try #require(delta(chunks[1])?["tool_calls"]?[0])
            #expect(second["id"] == nil && second["function"]?["name"] == nil)
            #expect(delta(chunks[1])?["role"] == nil)
            let arguments = [first, second].compactMap { $0["function"]?["arguments"]?.string }.joined()
            #expect(arguments == #"{"city":"Taipei"}"#)
            #expect(reason(chunks[2]) == "tool_calls")
            #expect(Set(chunks.map { $0["id"]?.string }) == ["chatcmpl-0000000000abc"])
            #expect(Set(chunks.map { $0["created"]?.int }) == [1_794_900_300])
            #expect(Set(chunks.map { $0["model"]?.string }) == ["org/m"])
        }
        // On an engine that does give reasons, a body that ends like this was cut.
        #expect(try run(stream, kind: "vllm").failure == .upstreamCut)
    }

    @Test("transformers: no [DONE], the reason and the usage in one chunk, another model's name")
    func transformers() throws {
        func chunk(_ choice: String, _ more: String = "") -> String {
            #"{"id":"a1","choices":[{\#(choice),"index":0}],"created":1794900301,"model":"org/m@main","#
                + #""object":"chat.completion.chunk","system_fingerprint":""\#(more)}"#
        }
        let counts = #","usage":{"completion_tokens":1,"prompt_tokens":21,"total_tokens":22}"#
        let stream = events(
            chunk(#""delta":{"role":"assistant"}"#),
            chunk(#""delta":{"content":"Paris"}"#),
            chunk(#""delta":{},"finish_reason":"stop""#, counts)
        )
        let asked = try run(stream, kind: "transformers", Self.usage)
        #expect(asked.isDone)
        #expect(asked.usage == TokenUsage(prompt: 21, completion: 1))
        let chunks = try chunks(asked.text)
        #expect(chunks.count == 4)
        #expect(chunks[1]["model"]?.string == "org/m")
        #expect(chunks[1]["choices"]?[0]?["finish_reason"]?.isNull == true)
        #expect(reason(chunks[2]) == "stop")
        #expect(chunks[3]["choices"]?.count == 0)
        #expect(chunks[3]["usage"]?["total_tokens"]?.int == 22)
        let unasked = try run(stream, kind: "transformers")
        #expect(unasked.isDone && !unasked.text.contains("usage"))
        #expect(unasked.usage?.total == 22)
        #expect(try run(events(chunk(#""delta":{"content":"Par"}"#)), kind: "transformers").failure == .upstreamCut)
    }

    @Test("vLLM: reasoning by its new name, then an error in the stream")
    func reasoningThenError() throws {
        func chunk(_ delta: String) -> String {
            #"{"id":"chatcmpl-v1","object":"chat.completion.chunk","created":1794900302,"model":"org/m","#
                + #""choices":[{"index":0,"delta":{\#(delta)},"logprobs":null,"finish_reason":null}]}"#
        }
        let failure =
            #"{"error": {"message": "EngineCore encountered an issue.", "type": "InternalServerError", "#
            + #""param": null, "code": 500}}"#
        let run = try run(
            events(chunk(#""role":"assistant","content":"""#), chunk(#""reasoning":"Let me see""#), failure, "[DONE]")
        )
        let chunks = try chunks(run.text)
        #expect(chunks.count == 2)
        #expect(delta(chunks[1])?["reasoning_content"]?.string == "Let me see")
        #expect(delta(chunks[1])?["reasoning"] == nil)
        #expect(run.failure == .upstreamError)
        #expect(!run.isDone)
    }

    @Test(
        "Errors in streams, in every spelling",
        arguments: [
            #"{"error":"Request failed during generation: Server error: CUDA out of memory","error_type":"generation"}"#,
            #"{"object":"error","message":"boom","type":"InternalServerError","code":500}"#,
            #"{"error":{"message":"boom","code":500}}"#,
        ]
    )
    func errors(_ event: String) throws {
        let said = events(#"{"id":"1","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}"#)
        let run = try run(said + "data:\(event)\n\n")
        #expect(run.failure == .upstreamError)
        #expect(run.text.contains(#""content":"a""#))
        #expect(run.message?.contains("CUDA") != true, "what an engine says of itself is not for clients")
    }

    @Test("Usage beside choices that are null, and no blank behind the colon, and CRLF")
    func nullChoices() throws {
        let stream =
            "data:{\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\r\n\r\n"
            + "data:{\"id\":\"1\",\"choices\":null,\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":7}}\r\n\r\n"
            + "data:[DONE]\r\n\r\n"
        let run = try run(stream, Self.usage)
        #expect(run.isDone)
        #expect(run.usage == TokenUsage(prompt: 3, completion: 4))
        #expect(try chunks(run.text).last?["choices"]?.isArray == true)
    }

    @Test(
        "Words for the end",
        arguments: [
            ("eos_token", "stop"), ("stop_sequence", "stop"), ("length", "length"),
            ("content_filter", "content_filter"),
        ]
    )
    func reasons(_ given: String, _ expected: String) throws {
        let run = try run(
            events(
                #"{"id":"1","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"\#(given)"}]}"#,
                "[DONE]"
            )
        )
        #expect(run.isDone)
        #expect(try reason(#require(chunks(run.text).first)) == expected)
    }

    @Test("An engine that gave up is no end")
    func aborted() throws {
        let run = try run(
            events(#"{"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"abort"}]}"#, "[DONE]")
        )
        #expect(!run.isDone)
        #expect(run.failure == .upstreamOverloaded)
    }

    @Test("stop behind a tool call is tool_calls; arguments that are an object become text")
    func toolStop() throws {
        let call =
            #""tool_calls":[{"index":0,"id":"chatcmpl-tool-1","type":"function","function":{"name":"f","arguments":{"a":1}}}]"#
        let run = try run(
            events(
                #"{"id":"1","choices":[{"index":0,"delta":{\#(call)},"finish_reason":null}]}"#,
                #"{"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
                "[DONE]"
            )
        )
        let chunks = try chunks(run.text)
        let first = try #require(delta(chunks[0])?["tool_calls"]?[0])
        #expect(first["id"]?.string == "chatcmpl-tool-1")
        #expect(first["function"]?["arguments"]?.string == #"{"a":1}"#)
        #expect(reason(chunks[1]) == "tool_calls")
        #expect(run.isDone)
    }

    @Test("[DONE] without a reason, and without a call, is no end")
    func doneTooEarly() throws {
        let run = try run(
            events(#"{"id":"1","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}"#, "[DONE]")
        )
        #expect(run.failure == .upstreamCut)
    }

    @Test("llama.cpp: the engine's own members pass, its huge ones do not; a role is added where there is none")
    func llama() throws {
        let run = try run(
            events(
                #"{"choices":[{"delta":{"content":"a"},"finish_reason":null}],"timings":{"n":1},"__verbose":{"x":1}}"#,
                #"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#
            ),
            kind: "llamacpp"
        )
        #expect(run.isDone)
        let chunks = try chunks(run.text)
        #expect(chunks[0]["timings"]?["n"]?.int == 1)
        #expect(chunks[0]["__verbose"] == nil)
        #expect(delta(chunks[0])?["role"]?.string == "assistant")
        #expect(chunks[0]["choices"]?[0]?["index"]?.int == 0)
        #expect(chunks[0]["created"]?.int == 1_700_000_000)
        #expect(chunks[0]["object"]?.string == "chat.completion.chunk")
    }

    @Test("<think> in the text is the text's, whatever pieces it comes in")
    func think() throws {
        let pieces = ["<th", "ink>a</thi", "nk>b"].map {
            #"{"id":"1","choices":[{"index":0,"delta":{"content":"\#($0)"},"finish_reason":null}]}"#
        }
        let end = #"{"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#
        let run = try run(pieces.map { events($0) }.joined() + events(end, "[DONE]"))
        let text = try chunks(run.text).compactMap { delta($0)?["content"]?.string }.joined()
        #expect(text == "<think>a</think>b")
    }

    @Test("Garbage is not passed off as a stream", arguments: ["nonsense", "[1]", "7", #"{"choices":"#])
    func garbage(_ payload: String) throws {
        let run = try run(events(payload, "[DONE]"))
        #expect(run.failure == .upstreamInvalid)
    }
}
