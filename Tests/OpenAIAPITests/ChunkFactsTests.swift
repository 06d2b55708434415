import Core
import JSON
import OpenAIAPI
import Testing

private func value(_ text: String) throws -> JSONValue { try JSONDocument(parsing: Array(text.utf8)).root }

@Suite("Facts of chunks")
struct ChunkFactsTests {
    @Test(
        "Content is what a client would show or act on",
        arguments: [
            (#"{"role":"assistant","content":"","refusal":null}"#, false),
            (#"{"role":"assistant"}"#, false),
            (#"{"role":"assistant","content":null,"reasoning_content":""}"#, false),
            (#"{"content":"","tool_calls":[],"audio":{}}"#, false),
            ("{}", false),
            (#"{"content":" "}"#, true),
            (#"{"role":"assistant","content":null,"reasoning_content":"hm"}"#, true),
            (#"{"reasoning":"hm"}"#, true),
            (#"{"tool_calls":[{"index":0}]}"#, true),
            (#"{"refusal":"no"}"#, true),
            (#"{"audio":{"id":"a"}}"#, true),
            (#"{"extension":false}"#, true),
            (#"{"extension":0}"#, true),
        ]
    )
    func content(_ delta: String, _ hasContent: Bool) throws {
        let facts = ChunkFacts(try value(#"{"choices":[{"index":0,"delta":\#(delta),"finish_reason":null}]}"#))
        #expect(facts.hasContent == hasContent)
        #expect(facts.hasChoices)
        #expect(facts.finishReasons == 0)
    }

    @Test("Any of several choices may hold the content")
    func severalChoices() throws {
        let chunk = #"{"choices":[{"delta":{"role":"assistant"}},{"delta":{"content":"x"}},{"delta":{}}]}"#
        #expect(ChunkFacts(try value(chunk)).hasContent)
    }

    @Test("Legacy completions have text", arguments: [(#""""#, false), (#""x""#, true), ("null", false)])
    func text(_ text: String, _ hasContent: Bool) throws {
        #expect(ChunkFacts(try value(#"{"choices":[{"text":\#(text)}]}"#)).hasContent == hasContent)
    }

    @Test("Chunks without choices have no content", arguments: ["{}", #"{"choices":[]}"#, #"{"choices":null}"#, "[]"])
    func noChoices(_ chunk: String) throws {
        let facts = ChunkFacts(try value(chunk))
        #expect(!facts.hasChoices)
        #expect(!facts.hasContent)
    }

    @Test("Reasons to finish are counted, and are content: a client waits for them")
    func finishReasons() throws {
        let facts = ChunkFacts(
            try value(#"{"choices":[{"delta":{},"finish_reason":"stop"},{"delta":{},"finish_reason":"length"}]}"#)
        )
        #expect(facts.finishReasons == 2)
        #expect(facts.hasContent)
        #expect(!facts.isInterrupted)
    }

    @Test("An empty reason, as some servers send with every chunk, is none")
    func emptyReason() throws {
        let facts = ChunkFacts(try value(#"{"choices":[{"delta":{"role":"assistant"},"finish_reason":""}]}"#))
        #expect(facts.finishReasons == 0)
        #expect(!facts.hasContent)
    }

    @Test("An upstream that ran out of resources is noticed")
    func interrupted() throws {
        let chunk = #"{"choices":[{"delta":{},"finish_reason":"insufficient_system_resource"}]}"#
        #expect(ChunkFacts(try value(chunk)).isInterrupted)
    }
}

@Suite("Token usage")
struct TokenUsageTests {
    @Test("OpenAI's and DeepSeek's spellings are understood")
    func spellings() throws {
        let openAI =
            #"{"prompt_tokens":21,"completion_tokens":7,"total_tokens":28,"prompt_tokens_details":"#
            + #"{"cached_tokens":5},"completion_tokens_details":{"reasoning_tokens":3}}"#
        #expect(TokenUsage(try value(openAI)) == TokenUsage(prompt: 21, completion: 7, cached: 5, reasoning: 3))
        let deepSeek = #"{"prompt_tokens":215,"completion_tokens":61,"prompt_cache_hit_tokens":192}"#
        #expect(TokenUsage(try value(deepSeek)) == TokenUsage(prompt: 215, completion: 61, cached: 192))
        #expect(TokenUsage(prompt: 2, completion: 3).total == 5)
    }

    @Test("Embeddings use no completion")
    func embeddings() throws {
        #expect(TokenUsage(try value(#"{"prompt_tokens":6,"total_tokens":6}"#)) == TokenUsage(prompt: 6))
    }

    @Test("What is no usage is none", arguments: ["null", "[]", "7", #""x""#])
    func none(_ text: String) throws {
        #expect(TokenUsage(try value(text)) == nil)
        #expect(TokenUsage(nil) == nil)
    }

    @Test("Numbers nobody can have used are cut down, so that sums of them never overflow")
    func absurd() throws {
        let huge =
            #"{"prompt_tokens":9223372036854775807,"completion_tokens":9223372036854775807,"#
            + #""prompt_tokens_details":{"cached_tokens":-4},"completion_tokens_details":{"reasoning_tokens":"3"}}"#
        let usage = try #require(TokenUsage(try value(huge)))
        #expect(usage.prompt == 1 << 40)
        #expect(usage.completion == 1 << 40)
        #expect(usage.total == 1 << 41)
        #expect(usage.cached == 0)
        #expect(usage.reasoning == 0)
    }
}
