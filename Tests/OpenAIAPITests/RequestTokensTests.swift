import JSON
import OpenAIAPI
import Testing
import Tokenizer

@Suite struct RequestTokensTests {
    private func count(_ text: String) throws -> Int {
        RequestTokens.count(try JSONDocument(parsing: Array(text.utf8)).root, .cl100kBase)
    }

    @Test("Messages cost their text, their role and what OpenAI documents beside")
    func messages() throws {
        // 3 priming; 3 + "user" 1 + "Hello" 1; the name 1 + "bob" 1.
        #expect(try count(#"{"messages":[{"role":"user","content":"Hello"}]}"#) == 8)
        #expect(try count(#"{"messages":[{"role":"user","name":"bob","content":"Hello"}]}"#) == 10)
        #expect(try count(#"{"messages":[{"role":"user","content":[{"type":"text","text":"Hello"}]}]}"#) == 8)
        #expect(try count(#"{"messages":[{"role":"user","content":"\u0048ello"}]}"#) == 8)
    }

    @Test("Tools cost their JSON")
    func tools() throws {
        let tools = #"[{"type":"function","function":{"name":"f"}}]"#
        let expected = TokenEncoding.cl100kBase.count(Array(tools.utf8)) + 3
        #expect(try count(#"{"messages":[],"tools":\#(tools)}"#) == expected)
    }

    @Test(
        "What is no request has few tokens",
        arguments: ["{}", "[]", "1", #"{"messages":{"a":1}}"#, #"{"messages":[1,null]}"#]
    )
    func shapeless(_ text: String) throws { #expect(try (3...15).contains(count(text))) }
}
