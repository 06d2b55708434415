import Core
import JSON
import OpenAIAPI
import Providers
import Testing

@Suite("Streams of Gemini")
struct GeminiStreamTests {
    private func run(
        _ stream: [UInt8],
        _ members: String = "",
        wantsUsage: Bool = true,
        model: String = "gemini-2.5-flash"
    ) throws -> StreamRun {
        let options = wantsUsage ? #","stream_options":{"include_usage":true}"# : ""
        let job = try geminiJob(#""stream":true\#(options)"# + (members.isEmpty ? "" : "," + members), model: model)
        return StreamRun.everyCut(stream, of: job, with: gemini)
    }

    private func chunks(_ run: StreamRun) throws -> [JSONValue] {
        try run.text.split(separator: "\n\n").map { try JSONDocument(parsing: Array($0.dropFirst(6).utf8)).root }
    }

    /// All pieces of a member of the deltas of a choice, put together.
    private func joined(_ run: StreamRun, _ name: StaticString, choice: Int = 0) throws -> String {
        try chunks(run).reduce(into: "") { text, chunk in
            guard let first = chunk["choices"]?[0], first["index"]?.int == choice else { return }
            text += first["delta"]?[name]?.string ?? ""
        }
    }

    private func finish(_ run: StreamRun, choice: Int = 0) throws -> String? {
        try chunks(run).compactMap { chunk in
            chunk["choices"]?[0].flatMap { $0["index"]?.int == choice ? $0["finish_reason"]?.string : nil }
        }.last
    }

    private let thoughts = geminiStream(
        #"{"candidates": [{"content": {"parts": [{"text": "**Weighing options**\n","thought": true}],"role": "model"},"index": 0}],"usageMetadata": {"promptTokenCount": 12,"totalTokenCount": 40,"thoughtsTokenCount": 28},"modelVersion": "gemini-2.5-flash","responseId": "aaaa1"}"#,
        #"{"candidates": [{"content": {"parts": [{"text": "春天來了，"}],"role": "model"},"index": 0}],"usageMetadata": {"promptTokenCount": 14,"candidatesTokenCount": 4,"totalTokenCount": 44,"thoughtsTokenCount": 28},"modelVersion": "gemini-2.5-flash","responseId": "aaaa1"}"#,
        #"{"candidates": [{"content": {"parts": [{"text": "花開了。\n"}],"role": "model"},"finishReason": "STOP","index": 0}],"usageMetadata": {"promptTokenCount": 12,"candidatesTokenCount": 9,"totalTokenCount": 49,"promptTokensDetails": [{"modality": "TEXT","tokenCount": 12}],"thoughtsTokenCount": 28},"modelVersion": "gemini-2.5-flash","responseId": "aaaa1"}"#
    )

    @Test("Text with thoughts")
    func text() throws {
        let run = try run(thoughts)
        #expect(run.isDone && run.hasContent && run.count == 3)
        #expect(try joined(run, "reasoning_content") == "**Weighing options**\n")
        #expect(try joined(run, "content") == "春天來了，花開了。\n")
        #expect(try finish(run) == "stop")
        #expect(run.usage == TokenUsage(prompt: 12, completion: 37, reasoning: 28))
        let head =
            #"data: {"id":"chatcmpl-aaaa1","object":"chat.completion.chunk","created":7,"model":"gemini-2.5-flash","choices":["#
        #expect(
            run.text.hasPrefix(
                head
                    + #"{"index":0,"delta":{"role":"assistant","content":null,"reasoning_content":"**Weighing options**\n"},"logprobs":null,"finish_reason":null}],"usage":null}"#
            )
        )
        #expect(
            run.text.hasSuffix(
                head
                    + #"{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop","native_finish_reason":"STOP"}],"usage":null}"#
                    + "\n\n" + head
                    + #"],"usage":{"prompt_tokens":12,"completion_tokens":37,"total_tokens":49,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":28}}}"#
                    + "\n\n"
            )
        )
        #expect(try !self.run(thoughts, wantsUsage: false).text.contains("prompt_tokens"))
    }

    @Test("Parallel calls and an empty end")
    func calls() throws {
        let stream = geminiStream(
            #"{"candidates": [{"content": {"parts": [{"functionCall": {"name": "get_weather","args": {"city": "臺北"},"id": "fc1"},"thoughtSignature": "U0lH"},{"functionCall": {"name": "get_weather","args": {"city": "Tainan"},"id": "fc1"}},{"functionCall":{"name":"now"}}],"role": "model"},"index": 0}],"usageMetadata": {"promptTokenCount": 30,"candidatesTokenCount": 20,"totalTokenCount": 90,"thoughtsTokenCount": 40},"modelVersion": "gemini-3-pro-preview","responseId": "aaaa2"}"#,
            #"{"candidates": [{"content": {"parts": [{"text": ""}],"role": "model"},"finishReason": "STOP","index": 0}],"usageMetadata": {"promptTokenCount": 30,"candidatesTokenCount": 20,"totalTokenCount": 90,"thoughtsTokenCount": 40},"modelVersion": "gemini-3-pro-preview","responseId": "aaaa2"}"#
        )
        let run = try run(stream, model: "gemini-3-pro-preview")
        #expect(run.isDone)
        #expect(try finish(run) == "tool_calls")
        #expect(run.usage == TokenUsage(prompt: 30, completion: 60, reasoning: 40))
        let calls = try chunks(run).compactMap { $0["choices"]?[0]?["delta"]?["tool_calls"]?[0] }
        #expect(calls.map { $0["index"]?.int } == [0, 1, 2])
        #expect(calls.map { $0["id"]?.string } == ["fc1", "call_abc_1", "call_abc_2"], "no id comes twice")
        #expect(
            calls.map { $0["function"]?["arguments"]?.string } == [#"{"city": "臺北"}"#, #"{"city": "Tainan"}"#, "{}"]
        )
        #expect(calls[0]["extra_content"]?["google"]?["thought_signature"]?.string == "U0lH")
        #expect(calls[1]["extra_content"] == nil)
    }

    @Test("Calls leave what must be remembered")
    func keeps() throws {
        let event =
            #"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","id":"fc1"},"thoughtSignature":"U0lH"},{"functionCall":{"name":"f"}}]},"finishReason":"STOP"}]}"#
        var kept: [String: [KeptState]] = [:]
        for model in ["gemini-3-pro-preview", "gemini-2.0-flash"] {
            var translator = gemini.makeStreamTranslator(for: try geminiJob(#""stream":true"#, model: model))
            var output = StreamOutput()
            unsafe geminiStream(event).withUnsafeBytes { unsafe translator.receive($0, into: &output) }
            kept[model] = output.kept
        }
        #expect(kept["gemini-2.0-flash"] == [])
        let state = try #require(kept["gemini-3-pro-preview"]?.first)
        #expect(kept["gemini-3-pro-preview"]?.count == 1 && state.call == "fc1")
        #expect(!state.state.text.contains("sk-test"))
        #expect(try geminiKept("fc1", signature: "U0lH", model: "gemini-3-pro-preview").kept["fc1"] == state.state)
    }

    @Test("A blocked prompt is a refusal, in a stream as well")
    func blocked() throws {
        let run = try run(
            geminiStream(
                #"{"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},"usageMetadata": {"promptTokenCount": 8,"totalTokenCount": 8},"modelVersion": "gemini-2.5-flash"}"#
            )
        )
        #expect(run.isDone && run.hasContent)
        #expect(try joined(run, "refusal") == "The prompt was blocked: PROHIBITED_CONTENT.")
        #expect(try finish(run) == "content_filter")
        #expect(run.usage == TokenUsage(prompt: 8))
    }

    private func candidate(_ parts: String, _ reason: String? = nil, index: Int? = 0, _ more: String = "") -> String {
        #"{"candidates":[{"content":{"parts":[\#(parts)]}"#
            + (reason.map { #","finishReason":"\#($0)""# } ?? "") + (index.map { #","index":\#($0)"# } ?? "")
            + "\(more)}]}"
    }

    @Test(
        "Reasons have one meaning each",
        arguments: [
            ("STOP", "stop"), ("MAX_TOKENS", "length"), ("CONTINUATION", "length"), ("SAFETY", "content_filter"),
            ("RECITATION", "content_filter"), ("LANGUAGE", "content_filter"), ("BLOCKLIST", "content_filter"),
            ("PROHIBITED_CONTENT", "content_filter"), ("SPII", "content_filter"), ("IMAGE_SAFETY", "content_filter"),
            ("NO_IMAGE", "content_filter"), ("MODEL_ARMOR", "content_filter"), ("ESCALATION", "content_filter"),
            ("OTHER", "stop"), ("MALFORMED_FUNCTION_CALL", "stop"), ("FINISH_REASON_UNSPECIFIED", "stop"),
            ("SOMETHING_NEW", "stop"),
        ]
    )
    func reasons(_ native: String, _ expected: String) throws {
        let run = try run(geminiStream(candidate(#"{"text":"a"}"#, native)))
        #expect(run.isDone)
        #expect(try finish(run) == expected)
        #expect(run.text.contains(#""native_finish_reason":"\#(native)""#))
    }

    @Test("Without content some reasons mean that another try is worth it")
    func nothing() throws {
        for native in ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MISSING_THOUGHT_SIGNATURE", "NEW"] {
            let run = try run(geminiStream(candidate(#"{"text":"hm","thought":true}"#, native)))
            #expect(run.failure == .upstreamError)
        }
        #expect(try finish(run(geminiStream(candidate("", "OTHER")))) == "content_filter")
        #expect(try finish(run(geminiStream(#"{"candidates":[{"finishReason":"SAFETY"}]}"#))) == "content_filter")
        #expect(
            try finish(run(geminiStream(#"{"candidates":[{"content":{},"finishReason":"MAX_TOKENS"}]}"#))) == "length"
        )
        #expect(try finish(run(geminiStream(candidate("", "STOP")))) == "stop")
    }

    @Test("Old models say a reason with every event: the last one counts, at the end")
    func repeated() throws {
        let run = try run(
            geminiStream(
                candidate(#"{"text":"a"}"#, "STOP"),
                candidate(#"{"text":"b"}"#, "STOP"),
                candidate("", "RECITATION")
            )
        )
        #expect(try joined(run, "content") == "ab")
        #expect(try finish(run) == "content_filter")
        #expect(run.text.components(of: "finish_reason\":\"") == 2, "its own and the native one")
    }

    @Test("A stream without a reason has been cut")
    func cut() throws {
        #expect(try run(geminiStream(candidate(#"{"text":"a"}"#))).failure == .upstreamCut)
        #expect(try run([]).failure == .upstreamCut)
        #expect(try run(geminiStream(#"{"usageMetadata":{"promptTokenCount":1}}"#)).failure == .upstreamCut)
        #expect(try run(Array(geminiStream(candidate(#"{"text":"a"}"#, "STOP")).dropLast(9))).failure == .upstreamCut)
        let open = Array(geminiStream(candidate(#"{"text":"a"}"#, "STOP")).dropLast(4))
        #expect(try run(open).isDone, "a last event without its blank line is still one")
        let half = geminiStream(candidate(#"{"text":"a"}"#, "STOP"), candidate(#"{"text":"b"}"#, index: 1))
        #expect(try run(half, #""n":2"#).failure == .upstreamCut, "one of two has not ended")
    }

    @Test("Several candidates, with and without their place")
    func choices() throws {
        let run = try run(
            geminiStream(
                candidate(#"{"text":"a"}"#, index: nil),
                candidate(#"{"text":"b"}"#, "MAX_TOKENS", index: 1),
                candidate(#"{"text":"c"}"#, "STOP", index: nil)
            ),
            #""n":2"#
        )
        #expect(run.isDone)
        #expect(try joined(run, "content") == "ac" && joined(run, "content", choice: 1) == "b")
        #expect(try finish(run) == "stop" && finish(run, choice: 1) == "length")
    }

    @Test("Images, sound, citations, probabilities and signatures of text have their places")
    func extras() throws {
        let run = try run(
            geminiStream(
                candidate(
                    #"{"inlineData":{"mimeType":"image/png","data":"QQ=="}},{"inlineData":{"mimeType":"image/png","data":"QUI="}}"#
                ),
                candidate(#"{"inlineData":{"mimeType":"audio/L16","data":"QQ=="}}"#),
                candidate(
                    #"{"text":"é"},{"text":"","thoughtSignature":"VFhU"}"#,
                    "STOP",
                    #","logprobsResult":{"chosenCandidates":[{"token":"é","logProbability":-0.1}],"topCandidates":[{"candidates":[{"token":"e","logProbability":-2}]}]},"#
                        + #""citationMetadata":{"citationSources":[{"startIndex":1,"endIndex":2,"uri":"https://x/y"}]},"#
                        + #""groundingMetadata":{"groundingChunks":[{"web":{"uri":"https://z","title":"Z"}}],"groundingSupports":[{"segment":{"startIndex":3,"endIndex":4},"groundingChunkIndices":[0,7]}]}"#
                )
            )
        )
        #expect(run.isDone)
        #expect(
            run.text.contains(
                #""images":[{"type":"image_url","index":1,"image_url":{"url":"data:image/png;base64,QUI="}}]"#
            )
        )
        #expect(
            run.text.contains(
                #""audio":{"id":"audio_abc","data":"QQ==","transcript":"","expires_at":0,"mime_type":"audio/L16"}"#
            )
        )
        #expect(run.text.contains(#""extra_content":{"google":{"thought_signature":"VFhU"}}"#))
        #expect(
            run.text.contains(
                #""logprobs":{"content":[{"token":"é","logprob":-0.1,"bytes":[195,169],"top_logprobs":[{"token":"e","logprob":-2,"bytes":[101]}]}],"refusal":null}"#
            )
        )
        #expect(
            run.text.contains(
                #""annotations":[{"type":"url_citation","url_citation":{"start_index":1,"end_index":2,"url":"https://x/y","title":""}},"#
                    + #"{"type":"url_citation","url_citation":{"start_index":3,"end_index":4,"url":"https://z","title":"Z"}}]"#
            )
        )
    }

    private let once = #"{"candidates": [{"content": {"parts": [{"text": "Once"}],"role": "model"},"index": 0}]}"#
    private let overloaded =
        #"{"error": {"code": 503,"message": "The model is overloaded. Please try again later.","status": "UNAVAILABLE"}}"#

    @Test("An error within, as an event or as it is, over several lines and in an array")
    func errors() throws {
        let lines =
            "{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"busy\",\n    \"status\": \"UNAVAILABLE\"\n  }\n}"
        for ending in ["data: \(overloaded)\r\n\r\n", overloaded, lines + "\n", "[\(lines)]", "[\(lines)\n]\r\n"] {
            let run = try run(geminiStream(once) + Array(ending.utf8))
            #expect(run.failure == .upstreamOverloaded, "\(ending)")
            #expect(try joined(run, "content") == "Once")
            #expect(try self.run(Array(ending.utf8)).failure == .upstreamOverloaded)
        }
    }

    @Test(
        "Garbage is no stream",
        arguments: [
            "data: {\r\n\r\n", "data: []\r\n\r\n", "data: 1\r\n\r\n", "data: [DONE]\r\n\r\n",
            #"data: {"candidates":[{"index":128}]}"# + "\r\n\r\n", #"data: {"candidates":[{"index":-1}]}"# + "\r\n\r\n",
            #"data: {"candidates":[{"content":{"parts":[{"functionCall":{"args":{}}}]}}]}"# + "\r\n\r\n",
        ]
    )
    func garbage(_ stream: String) throws {
        #expect(try run(Array(stream.utf8)).failure == .upstreamInvalid)
    }

    @Test(
        "Values of the wrong kind are passed over",
        arguments: [
            #"{"candidates":{"a":1},"usageMetadata":[],"modelVersion":1,"responseId":{},"promptFeedback":"x"}"#,
            #"{"candidates":[1,null,{"content":[],"index":"a","finishReason":7}],"usageMetadata":{"promptTokenCount":-5,"candidatesTokenCount":1e400}}"#,
            #"{"candidates":[{"content":{"parts":[1,{"text":7},{"inlineData":{"data":1}},{"thoughtSignature":[]},{"functionCall":"x"}]}}]}"#,
        ]
    )
    func kinds(_ event: String) throws {
        let run = try run(geminiStream(event, candidate(#"{"text":"a"}"#, "STOP")))
        #expect(run.isDone)
        #expect(try joined(run, "content") == "a")
    }
}

extension String {
    /// Into how many pieces the text cuts this one.
    func components(of text: String) -> Int { split(separator: text, omittingEmptySubsequences: false).count - 1 }
}
