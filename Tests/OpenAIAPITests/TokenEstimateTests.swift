import Core
import OpenAIAPI
import Testing

@Suite("Estimates of tokens")
struct TokenEstimateTests {
    private func estimate(_ operation: ModelRequest.Operation, _ body: String) throws -> TokenUsage {
        TokenEstimate.usage(of: try ModelRequest(operation, body: Array(body.utf8)))
    }

    @Test(
        "The answer counts as long as the client lets it be",
        arguments: [
            ("", 1024), (#","max_tokens":7"#, 7), (#","max_completion_tokens":9,"max_tokens":7"#, 9),
            (#","max_tokens":7,"n":3"#, 21), (#","max_tokens":-5"#, 0), (#","max_tokens":null"#, 1024),
            (#","n":1000000"#, 128 * 1024),
        ]
    )
    func answers(_ members: String, _ expected: Int) throws {
        let usage = try estimate(.chat, #"{"model":"m","messages":[{"role":"user","content":"hi"}]"# + members + "}")
        #expect(usage.completion == expected)
    }

    @Test("All text of a prompt counts, attachments by a flat rate")
    func prompts() throws {
        let text = String(repeating: "word ", count: 100)
        let plain = try estimate(.chat, #"{"model":"m","messages":[{"role":"user","content":"\#(text)"}]}"#)
        #expect((125...135).contains(plain.prompt))
        let parts = try estimate(
            .chat,
            #"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"\#(text)"},"#
                + #"{"type":"image_url","image_url":{"url":"data:"}}]}]}"#
        )
        #expect(parts.prompt > plain.prompt + 700)
        let tools = try estimate(
            .chat,
            #"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"\#(text)"}}]}"#
        )
        #expect(tools.prompt > 125)
    }

    @Test(
        "Embeddings count their input in every shape, and no answer",
        arguments: [
            (#""aaaabbbb""#, 3), (#"["aaaabbbb","cccc"]"#, 5), ("[1,2,3]", 3), ("[[1,2,3],[4]]", 4),
        ]
    )
    func embeddings(_ input: String, _ expected: Int) throws {
        let usage = try estimate(.embedding, #"{"model":"m","input":\#(input)}"#)
        #expect(usage.prompt == expected)
        #expect(usage.completion == 0)
    }

    @Test("Absurd numbers do not overflow")
    func absurd() throws {
        let usage = try estimate(
            .chat,
            #"{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":9223372036854775807,"n":9223372036854775807}"#
        )
        #expect(usage.total > 0)
    }
}
