import Core
import HTTPCodec
import OpenAIAPI
import Providers
import Testing

@Suite("Ollama's answers")
struct OllamaAnswerTests {
    private static let done = #""done":true,"done_reason":"stop","prompt_eval_count":11,"eval_count":4"#

    private func answer(_ bodies: String...) throws -> PlainAnswer {
        try ollama.translateAnswers(bodies.map { Array($0.utf8) }, to: try ollamaJob())
    }

    @Test("A whole answer with thinking and calls")
    func whole() throws {
        let plain = try answer(
            #"{"model":"qwen3:8b","created_at":"2023-11-15T06:13:20.123456789+08:00","message":{"role":"assistant","content":"","thinking":"hm","tool_calls":[{"function":{"name":"f","arguments":{"a":[1, 2]}}}]},\#(Self.done)}"#
        )
        #expect(
            plain.body.text
                == #"{"id":"chatcmpl-abc","object":"chat.completion","created":1700000000,"model":"qwen3:8b","choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":null,"reasoning_content":"hm","tool_calls":[{"id":"call_abc_0","type":"function","function":{"name":"f","arguments":"{\"a\":[1, 2]}"}}]},"logprobs":null,"finish_reason":"tool_calls","native_finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":4,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"system_fingerprint":"fp_ollama"}"#
        )
        #expect(plain.usage == TokenUsage(prompt: 11, completion: 4))
    }

    @Test("Thoughts alone are an answer, marks are taken out of texts")
    func thoughts() throws {
        let silent = try answer(#"{"message":{"content":"","thinking":"hm"},\#(Self.done)}"#)
        #expect(silent.body.text.contains(#""content":"","refusal":null,"reasoning_content":"hm""#))
        let marked = try answer(#"{"message":{"content":"<think>\nhm\n</think>\n\nyes"},\#(Self.done)}"#)
        #expect(marked.body.text.contains(#""content":"yes","refusal":null,"reasoning_content":"hm""#))
    }

    @Test("Several answers are several choices, and their usage one sum")
    func several() throws {
        let one = #"{"message":{"content":"a"},\#(Self.done)}"#
        let plain = try answer(one, #"{"message":{"content":"b"},"done":true,"done_reason":"length","eval_count":1}"#)
        #expect(plain.body.text.contains(#""index":1,"message":{"role":"assistant","content":"b""#))
        #expect(plain.body.text.contains(#""finish_reason":"length""#))
        #expect(plain.usage == TokenUsage(prompt: 11, completion: 5))
    }

    @Test("What is no answer", arguments: ["{}", "[]", "{oops", #"{"message":{"content":"x"},"done":false}"#])
    func unexpected(body: String) throws {
        #expect(refusal { _ = try answer(body) }?.code == .upstreamInvalid)
    }

    private func failure(_ status: Int, _ message: String) -> GatewayError {
        ollama.failure(FailedAnswer(status: status, body: Array(#"{"error":"\#(message)"}"#.utf8)))
    }

    @Test("Failures, by status and words")
    func failures() {
        let tools = failure(400, "registry.ollama.ai/library/gemma does not support tools")
        #expect(tools.code == .unsupportedParameter && tools.parameter == "tools" && tools.retry == .elsewhere)
        #expect(failure(400, #"\"llama3\" does not support thinking"#).parameter == "reasoning_effort")
        #expect(failure(400, "invalid options").code == .invalidRequest)
        #expect(failure(400, "the input length exceeds the context length").code == .contextLengthExceeded)
        let missing = failure(404, "model 'x:1b' not found")
        #expect(missing.code == .modelNotFound && missing.message.contains("ollama pull x:1b"))
        #expect(failure(401, "unauthorized").failureClass == .credentialsRefused)
        #expect(failure(429, "slow down").code == .rateLimitExceeded)
        let busy = failure(503, "server busy, please try again.  maximum pending requests exceeded")
        #expect(busy.code == .upstreamOverloaded && busy.retryAfter == 1)
        let broken = failure(500, "model requires more system memory (9 GiB) than is available (1 GiB)")
        #expect(broken.code == .upstreamError && broken.retry == .elsewhere && !broken.message.contains("GiB"))
    }

    @Test("The models at hand")
    func models() {
        let body =
            #"{"models":[{"name":"qwen3:latest","model":"qwen3:latest","modified_at":"2023-11-14T22:13:20.5Z","capabilities":["completion","tools","thinking","insert"]},{"name":"old"},{"size":1},7]}"#
        #expect(
            ollama.models(Array(body.utf8)) == [
                ListedModel(
                    id: "qwen3:latest",
                    created: 1_700_000_000,
                    owner: "library",
                    capabilities: ["chat", "tools", "reasoning"]
                ), ListedModel(id: "old", owner: "library"),
            ]
        )
        #expect(ollama.models(Array("{}".utf8)) == nil)
        #expect(ollama.modelsRequest(key: "")?.url == "http://upstream/api/tags")
    }
}

@Suite("Ollama's embeddings")
struct OllamaEmbeddingTests {
    private func job(_ members: String) throws -> Job {
        let body = #"{"model":"ollama/all-minilm",\#(members)}"#
        return Job(try ModelRequest(.embedding, body: Array(body.utf8)), model: "all-minilm", key: "")
    }

    @Test("Texts and options go as they are")
    func request() throws {
        let job = try job(#""input":["a","b"],"dimensions":8,"truncate":false,"encoding_format":"base64","user":"u""#)
        guard case .upstream(let call) = try ollama.translate(job) else { return #expect(Bool(false)) }
        #expect(call.url == "http://upstream/api/embed")
        #expect(call.body.text == #"{"model":"all-minilm","input":["a","b"],"dimensions":8,"truncate":false}"#)
    }

    @Test("Tokens are refused", arguments: ["[1,2]", "[[1],[2]]"])
    func tokens(input: String) throws {
        #expect(refusal { _ = try ollama.translate(try job(#""input":\#(input)"#)) }?.parameter == "input")
    }

    @Test("Vectors come in order, as numbers or in base64")
    func answer() throws {
        let body = Array(#"{"model":"all-minilm","embeddings":[[0.5, 1],[-2,0]],"prompt_eval_count":8}"#.utf8)
        let plain = try ollama.translateAnswer(body, to: try job(#""input":["a","b"]"#))
        #expect(
            plain.body.text
                == #"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5, 1]},{"object":"embedding","index":1,"embedding":[-2,0]}],"model":"all-minilm","usage":{"prompt_tokens":8,"total_tokens":8}}"#
        )
        #expect(plain.usage == TokenUsage(prompt: 8))
        let coded = try ollama.translateAnswer(body, to: try job(#""input":["a","b"],"encoding_format":"base64""#))
        #expect(coded.body.text.contains(#""embedding":"AAAAPwAAgD8=""#))
        #expect(
            refusal { _ = try ollama.translateAnswer(body, to: try job(#""input":"a""#)) }?.code == .upstreamInvalid
        )
    }
}
