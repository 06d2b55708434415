import Core
import JSON
import OpenAIAPI
import Providers
import Testing

@Suite("Whole answers of Gemini")
struct GeminiAnswerTests {
    private func answer(_ body: String, _ members: String = "", model: String = "gemini-3-pro") throws -> PlainAnswer {
        try gemini.translateAnswer(Array(body.utf8), to: geminiJob(members, model: model))
    }

    @Test("Thoughts, text, calls and usage")
    func whole() throws {
        let plain = try answer(
            #"{"candidates":[{"content":{"role":"model","parts":[{"text":"**Plan** ","thought":true},{"text":"Hel"},{"text":"lo"},{"functionCall":{"name":"f","args":{"城": 1}},"thoughtSignature":"CiQB"},{"functionCall":{"name":"g"}}]},"finishReason":"STOP","index":0}],"#
                + #""usageMetadata":{"promptTokenCount":15,"candidatesTokenCount":5,"thoughtsTokenCount":20,"toolUsePromptTokenCount":3,"cachedContentTokenCount":2,"totalTokenCount":43},"modelVersion":"gemini-3-pro","responseId":"Zk3a"}"#
        )
        #expect(
            plain.body.text
                == #"{"id":"chatcmpl-Zk3a","object":"chat.completion","created":7,"model":"gemini-3-pro","choices":[{"index":0,"message":{"role":"assistant","content":"Hello","refusal":null,"reasoning_content":"**Plan** ","#
                + #""tool_calls":[{"id":"call_abc_0","type":"function","function":{"name":"f","arguments":"{\"城\": 1}"},"extra_content":{"google":{"thought_signature":"CiQB"}}},"#
                + #"{"id":"call_abc_1","type":"function","function":{"name":"g","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls","native_finish_reason":"STOP"}],"#
                + #""usage":{"prompt_tokens":18,"completion_tokens":25,"total_tokens":43,"prompt_tokens_details":{"cached_tokens":2},"completion_tokens_details":{"reasoning_tokens":20}}}"#
        )
        #expect(plain.usage == TokenUsage(prompt: 18, completion: 25, cached: 2, reasoning: 20))
        #expect(plain.kept.map(\.call) == ["call_abc_0"])
    }

    @Test("A blocked prompt is a refusal")
    func blocked() throws {
        let root = try JSONDocument(
            parsing: answer(
                #"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":8,"totalTokenCount":8}}"#
            ).body
        ).root
        let choice = try #require(root["choices"]?[0])
        #expect(choice["message"]?["content"]?.isNull == true)
        #expect(choice["message"]?["refusal"]?.string == "The prompt was blocked: SAFETY.")
        #expect(choice["finish_reason"]?.equals("content_filter") == true)
        #expect(root["usage"]?["prompt_tokens"]?.int == 8)
    }

    @Test(
        "Anything may be missing",
        arguments: [
            (#"{"content":{},"finishReason":"MAX_TOKENS"}"#, "length", nil),
            (#"{"finishReason":"SAFETY"}"#, "content_filter", nil),
            (#"{"content":{"parts":[{"text":"half"}]},"finishReason":"SAFETY"}"#, "content_filter", "half"),
            (#"{"content":{"parts":[{"text":"a"}]}}"#, "stop", "a"), (#"{"finishReason":"STOP"}"#, "stop", ""),
        ] as [(String, String, String?)]
    )
    func missing(_ candidate: String, _ finish: String, _ text: String?) throws {
        let root = try JSONDocument(parsing: answer(#"{"candidates":[\#(candidate)]}"#).body).root
        #expect(root["choices"]?[0]?["finish_reason"]?.string == finish)
        #expect(root["choices"]?[0]?["message"]?["content"]?.string == text)
        #expect(root["usage"]?.isNull == true)
        #expect(root["id"]?.string == "chatcmpl-abc" && root["model"]?.string == "gemini-3-pro")
    }

    @Test(
        "What is no answer is not passed off as one",
        arguments: [
            ("", GatewayError.Code.upstreamInvalid), ("<html>", .upstreamInvalid), ("[]", .upstreamInvalid),
            ("{}", .upstreamInvalid), (#"{"candidates":[]}"#, .upstreamInvalid),
            (#"{"candidates":[{"content":{"parts":[{"functionCall":{}}]}}]}"#, .upstreamInvalid),
            (#"{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL"}]}"#, .upstreamError),
            (#"[{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}]"#, .upstreamOverloaded),
        ]
    )
    func refuses(_ body: String, _ code: GatewayError.Code) {
        let error = #expect(throws: GatewayError.self) { try answer(body) }
        #expect(error?.code == code)
        #expect(error?.retry == .elsewhere)
    }

    @Test("Old clients get their call in old words")
    func functions() throws {
        let plain = try answer(
            #"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]},"finishReason":"STOP"}]}"#,
            #""functions":[{"name":"f"}]"#
        )
        #expect(plain.body.text.contains(#""function_call":{"name":"f","arguments":"{}"}"#))
        #expect(plain.body.text.contains(#""finish_reason":"function_call""#))
    }

    @Test("Models are listed without their prefix, with what they can")
    func models() {
        let list = gemini.models(
            Array(
                #"{"models":[{"name":"models/gemini-2.5-flash","inputTokenLimit":1048576,"outputTokenLimit":65536,"supportedGenerationMethods":["generateContent","countTokens"],"thinking":true},{"name":"models/gemini-embedding-001","supportedGenerationMethods":["embedContent"]},{"name":"models/imagen-4","supportedGenerationMethods":["predict"]},{"name":7}],"nextPageToken":"x"}"#
                    .utf8
            )
        )
        #expect(
            list == [
                ListedModel(
                    id: "gemini-2.5-flash",
                    owner: "google",
                    capabilities: ["chat", "reasoning"],
                    contextLength: 1_048_576,
                    maxOutput: 65536
                ), ListedModel(id: "gemini-embedding-001", owner: "google", capabilities: ["embeddings"]),
            ]
        )
        #expect(gemini.models(Array("{}".utf8)) == nil)
    }
}
