import Core
import HTTPCodec
import OpenAIAPI
import Providers
import Testing

@Suite("Gemini's signatures and the accounts they are good for")
struct GeminiForeignTests {
    private func sent(keptUnder key: String?) throws -> String {
        let messages = #"""
            [{"role":"user","content":"x"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function",
              "function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"Y2FycmllZA=="}}}]},
             {"role":"tool","tool_call_id":"call_1","content":"r"}]
            """#
        let body = #"{"model":"m","messages":\#(messages),"tools":[{"type":"function","function":{"name":"f"}}]}"#
        let provider = GeminiProvider(baseURL: "http://upstream", now: { 1_700_000_000 })
        var materials = Materials()
        if let key {
            let kept = try GeminiForeignTests.kept(by: provider, key: key)
            materials.kept["call_1"] = kept
        }
        let request = try ModelRequest(.chat, body: Array(body.utf8))
        #expect(provider.needs(of: request, model: "gemini-3-pro-preview").calls == ["call_1"])
        let job = Job(request, model: "gemini-3-pro-preview", key: "sim-key-1", materials: materials)
        guard case .upstream(let outgoing) = try provider.translate(job) else { return "" }
        return String(decoding: outgoing.body, as: UTF8.self)
    }

    /// What the provider itself keeps of a call made with this key.
    private static func kept(by provider: GeminiProvider, key: String) throws -> [UInt8] {
        let request = try ModelRequest(
            .chat,
            body: Array(#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#.utf8)
        )
        let answer = #"""
            {"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"f","args":{}},"thoughtSignature":"a2VwdA=="}]},"finishReason":"STOP","index":0}]}
            """#
        let job = Job(request, model: "gemini-3-pro-preview", key: key)
        return try #require(provider.translateAnswer(Array(answer.utf8), to: job).kept.first).state
    }

    @Test("What a client carries is sent, unless it is known to be another account's")
    func foreign() throws {
        #expect(try sent(keptUnder: nil).contains("Y2FycmllZA=="))
        #expect(try sent(keptUnder: "sim-key-1").contains("Y2FycmllZA=="))
        let other = try sent(keptUnder: "sim-key-2")
        #expect(!other.contains("Y2FycmllZA==") && other.contains("skip_thought_signature_validator"))
    }
}
