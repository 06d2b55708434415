import Core
import HTTPCodec
import OpenAIAPI
import Providers
import Testing

@Suite("Signed thoughts of Gemini")
struct GeminiSignatureTests {
    private let model = "gemini-3-pro-preview"

    private func history(_ first: String = "", _ second: String = "", ids: (String, String) = ("fc1", "fc2")) -> String
    {
        #"[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"\#(ids.0)","type":"function","function":{"name":"f","arguments":"{}"}\#(first)},"#
            + #"{"id":"\#(ids.1)","type":"function","function":{"name":"f","arguments":"{}"}\#(second)}]},"#
            + #"{"role":"tool","tool_call_id":"\#(ids.0)","content":"1"},{"role":"tool","tool_call_id":"\#(ids.1)","content":"2"}]"#
    }

    private func signed(_ signature: String) -> String {
        #","extra_content":{"google":{"thought_signature":"\#(signature)"}}"#
    }

    @Test("What was kept comes back in its place, with the vendor's own ids")
    func kept() throws {
        var materials = try geminiKept("fc1", signature: "U0lH", model: model)
        materials.kept.merge(try geminiKept("fc2", signature: nil, model: model).kept) { $1 }
        let body = try geminiBody(messages: history(), model: model, materials: materials)
        #expect(
            body.contains(
                #"{"role":"model","parts":[{"functionCall":{"id":"fc1","name":"f","args":{}},"thoughtSignature":"U0lH"},"#
                    + #"{"functionCall":{"id":"fc2","name":"f","args":{}}}]}"#
            )
        )
        #expect(body.contains(#"{"functionResponse":{"id":"fc1","name":"f","response":{"result":"1"}}}"#))
    }

    @Test("What the client carries wins; what was kept tells whose it is")
    func carried() throws {
        let messages = history(signed("Q0xJ"))
        let request = try geminiJob(messages: messages, model: model).request
        #expect(gemini.needs(of: request, model: model).calls == ["fc1", "fc2"])
        let materials = try geminiKept("fc1", signature: "U0lH", model: model)
        let body = try geminiBody(messages: messages, model: model, materials: materials)
        #expect(body.contains(#"{"functionCall":{"id":"fc1","name":"f","args":{}},"thoughtSignature":"Q0xJ"}"#))
        #expect(!body.contains("U0lH"))
    }

    @Test("A history from elsewhere passes by the bypass value, on the first call only, without foreign ids")
    func foreign() throws {
        let body = try geminiBody(messages: history(ids: ("call_1", "call_2")), model: model)
        #expect(
            body.contains(
                #"[{"functionCall":{"name":"f","args":{}},"thoughtSignature":"skip_thought_signature_validator"},"#
                    + #"{"functionCall":{"name":"f","args":{}}}]"#
            )
        )
        #expect(!body.contains("call_1"))
    }

    @Test(
        "Signatures of another model or key are not sent",
        arguments: [("gemini-3-flash", "sk-test"), ("", "sk-other")]
    )
    func corrupted(_ other: String, _ key: String) throws {
        let materials = try geminiKept("fc1", signature: "U0lH", model: model)
        let job = try geminiJob(
            messages: history(),
            model: other.isEmpty ? model : other,
            key: key,
            materials: materials
        )
        let body = try geminiSent(job).body.text
        #expect(!body.contains("U0lH"))
        #expect(body.contains("skip_thought_signature_validator"))
    }

    @Test("2.5 takes signatures and asks for none, 2.0 knows neither")
    func generations() throws {
        let soft = "gemini-2.5-flash"
        #expect(gemini.needs(of: try geminiJob(messages: history()).request, model: soft).calls == ["fc1", "fc2"])
        let materials = try geminiKept("fc1", signature: "U0lH", model: soft)
        let body = try geminiBody(messages: history(), model: soft, materials: materials)
        #expect(body.contains(#"{"functionCall":{"name":"f","args":{}},"thoughtSignature":"U0lH"}"#))
        #expect(!body.contains("skip_thought"))
        let old = "gemini-2.0-flash"
        #expect(gemini.needs(of: try geminiJob(messages: history()).request, model: old).isEmpty)
        #expect(!(try geminiBody(messages: history(signed("Q0xJ")), model: old)).contains("thoughtSignature"))
    }

    @Test("The signature of a text comes back with the text, or alone")
    func ofText() throws {
        func body(_ content: String) throws -> String {
            try geminiBody(
                messages:
                    #"[{"role":"user","content":"x"},{"role":"assistant","content":\#(content)\#(signed("VFhU"))},{"role":"user","content":"y"}]"#,
                model: model
            )
        }
        #expect(try body(#""b""#).contains(#"{"role":"model","parts":[{"text":"b","thoughtSignature":"VFhU"}]}"#))
        #expect(try body("null").contains(#"{"role":"model","parts":[{"text":"","thoughtSignature":"VFhU"}]}"#))
    }

    @Test("Addresses are asked for once, and only those that Google does not read")
    func addresses() throws {
        func image(_ url: String) -> String { #"{"type":"image_url","image_url":{"url":"\#(url)"}}"# }
        let parts = [
            "https://x/a", "https://x/a", "data:image/png;base64,QQ==", "HTTP://y/b", "gs://bucket/c",
            "https://youtu.be/d",
        ].map(image).joined(separator: ",")
        let request = try geminiJob(messages: #"[{"role":"user","content":[\#(parts)]}]"#).request
        #expect(
            gemini.needs(of: request, model: model).addresses == [
                Needs.Address(url: "https://x/a", parameter: "messages[0].content[0].image_url.url"),
                Needs.Address(url: "HTTP://y/b", parameter: "messages[0].content[3].image_url.url"),
            ]
        )
    }
}
