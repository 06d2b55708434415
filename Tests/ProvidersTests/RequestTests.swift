import Core
import HTTPCodec
import JSON
import OpenAIAPI
import Providers
import Testing

/// What a provider would send for `body`, or its refusal.
private func sent(
    _ body: String,
    _ operation: ModelRequest.Operation = .chat,
    model: String = "real",
    with provider: any Provider = openAI
) throws -> OutgoingRequest {
    let request = try ModelRequest(operation, body: Array(body.utf8))
    guard case .upstream(let outgoing) = try provider.translate(Job(request, model: model, key: "sk-test")) else {
        throw GatewayError(.internalError, "not for an upstream")
    }
    return outgoing
}

/// A chat body with further members.
private func chat(_ members: String = "", messages: String = #"[{"role":"user","content":"x"}]"#) -> String {
    #"{"model":"real","messages":\#(messages)\#(members)}"#
}

@Suite("Requests to upstreams")
struct RequestTests {
    @Test("Only the model changes, every other byte stays")
    func model() throws {
        let body =
            " {\"z\" : 1e-7,\n\"model\": \"openai/gpt\\u002d4o\" ,\"messages\":[{\"role\":\"user\",\"content\":\"é\\u00e9\"}]} \n"
        let outgoing = try sent(body, model: "gpt-4o")
        #expect(outgoing.body.text == body.replacing("\"openai/gpt\\u002d4o\"", with: "\"gpt-4o\""))
        #expect(try sent(chat()).body.text == chat())
    }

    @Test(
        "Streams are asked for their usage, once",
        arguments: [
            (#","stream":true"#, #","stream":true,"stream_options":{"include_usage":true}"#),
            (#","stream":true,"stream_options":null"#, #","stream":true,"stream_options":{"include_usage":true}"#),
            (
                #","stream":true,"stream_options":{"include_usage":false,"x":1}"#,
                #","stream":true,"stream_options":{"include_usage":true,"x":1}"#
            ),
            (
                #","stream":true,"stream_options":{ "include_usage":true}"#,
                #","stream":true,"stream_options":{ "include_usage":true}"#
            ),
            (#","stream":false"#, #","stream":false"#),
        ]
    )
    func usage(_ members: String, _ expected: String) throws {
        #expect(try sent(chat(members)).body.text == chat(expected))
    }

    @Test("Every operation has its path, and the key goes with it")
    func paths() throws {
        let outgoing = try sent(chat(#","stream":true"#))
        #expect(outgoing.url == "http://upstream/v1/chat/completions")
        #expect(outgoing.method == .post)
        #expect(outgoing.headers.contains(HTTPHeader("Authorization", "Bearer sk-test")))
        #expect(outgoing.headers.contains(HTTPHeader("Accept", "text/event-stream")))
        #expect(outgoing.headers.contains(HTTPHeader("Content-Type", "application/json")))
        #expect(try sent(#"{"model":"m","prompt":"x"}"#, .completion).url == "http://upstream/v1/completions")
        #expect(try sent(#"{"model":"m","input":"x"}"#, .embedding).url == "http://upstream/v1/embeddings")
        #expect(openAI.modelsRequest(key: "k")?.url == "http://upstream/v1/models")
        #expect(openAI.modelsRequest(key: "k")?.method == .get)
    }

    @Test("Bare names are owned by families, web models are not")
    func owns() {
        for model in ["gpt-4o", "o3-mini", "text-embedding-3-small", "ft:gpt-4o:a"] { #expect(openAI.owns(model)) }
        for model in ["gpt-4-free", "deepseek-chat", "claude-x", "", "xgpt-4"] { #expect(!openAI.owns(model)) }
        #expect(deepSeek.owns("deepseek-chat"))
        #expect(!deepSeek.owns("gpt-4o"))
    }

    @Test(
        "DeepSeek is asked in its own words",
        arguments: [
            (#","max_completion_tokens":7"#, #","max_tokens":7"#),
            (#","max_tokens":9,"max_completion_tokens":7"#, #","max_tokens":7"#),
            (#","parallel_tool_calls":true,"user":"u""#, #","user":"u""#),
            (#","reasoning_effort":"none""#, #","thinking":{"type":"disabled"}"#),
            (#","reasoning_effort":"low""#, #","reasoning_effort":"low","thinking":{"type":"enabled"}"#),
            (#","thinking":null,"reasoning_effort":"none""#, #","thinking":{"type":"disabled"}"#),
            (
                #","thinking":{"type":"disabled"},"reasoning_effort":"low""#,
                #","thinking":{"type":"disabled"},"reasoning_effort":"low""#
            ),
            (#","n":1,"future":[1]"#, #","n":1,"future":[1]"#),
            (#","response_format":{"type":"json_object"}"#, #","response_format":{"type":"json_object"}"#),
        ]
    )
    func deepSeekEdits(_ members: String, _ expected: String) throws {
        #expect(try sent(chat(members), with: deepSeek).body.text == chat(expected))
    }

    @Test(
        "DeepSeek gets roles it knows and text in one piece",
        arguments: [
            (#"[{"role":"developer","content":"a","name":"n"}]"#, #"[{"role":"system","content":"a","name":"n"}]"#),
            (
                #"[{"role":"user","content":[{"type":"text","text":"a\n"},{"type":"text","text":"é"}]}]"#,
                #"[{"role":"user","content":"a\né"}]"#
            ),
            (
                #"[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u"}}]}]"#,
                #"[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u"}}]}]"#
            ),
            (#"[ {"role":"user","content":"a"} ]"#, #"[ {"role":"user","content":"a"} ]"#),
        ]
    )
    func deepSeekMessages(_ messages: String, _ expected: String) throws {
        #expect(try sent(chat(messages: messages), with: deepSeek).body.text == chat(messages: expected))
    }

    @Test(
        "DeepSeek's thinking models are not left without thoughts before a call",
        arguments: [
            ("", #","reasoning_content":" ""#), (#","reasoning_content":"""#, #","reasoning_content":" ""#),
            (#","reasoning_content":"hm""#, #","reasoning_content":"hm""#),
        ]
    )
    func deepSeekThoughts(_ carried: String, _ expected: String) throws {
        func body(_ thoughts: String, _ members: String = "") -> String {
            let call = #"{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}"#
            let turn = #"{"role":"assistant","content":null,"tool_calls":[\#(call)]\#(thoughts)}"#
            return chat(members, messages: "[\(turn)]")
        }
        let off = #","thinking":{"type":"disabled"}"#
        #expect(try sent(body(carried), with: deepSeek).body.text == body(expected))
        #expect(try sent(body(carried, off), with: deepSeek).body.text == body(carried, off))
        let silent = try sent(body(carried), model: "deepseek-chat", with: deepSeek).body.text
        #expect(silent.contains(#"\#(carried)}]"#) && !silent.contains(#"" ""#))
    }

    @Test(
        "What DeepSeek lacks is refused for it, and may be asked of another",
        arguments: [
            (#","n":2"#, "n"), (#","tools":[{"type":"web_search"}]"#, "tools[0].type"),
            (
                #","tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required","reasoning_effort":"low""#,
                "tool_choice"
            ),
            (
                #","tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"f"}},"thinking":{"type":"enabled"}"#,
                "tool_choice"
            ),
        ]
    )
    func deepSeekRefuses(_ members: String, _ parameter: String) throws {
        let error = #expect(throws: GatewayError.self) { try sent(chat(members), with: deepSeek) }
        #expect(error?.parameter == parameter)
        #expect(error?.code == .unsupportedParameter)
        #expect(error?.retry == .elsewhere)
        #expect(throws: GatewayError.self) { try sent(#"{"model":"m","input":"x"}"#, .embedding, with: deepSeek) }
    }

    @Test("DeepSeek's addresses may be bases or name the endpoint, and can be apart")
    func deepSeekAddresses() throws {
        let provider = DeepSeekProvider(streamURL: "http://a/v1", plainURL: "http://b/chat/completions")
        #expect(try sent(chat(#","stream":true"#), with: provider).url == "http://a/v1/chat/completions")
        #expect(try sent(chat(), with: provider).url == "http://b/chat/completions")
        #expect(provider.modelsRequest(key: "k")?.url == "http://a/v1/models")
        #expect(try sent(chat(), with: deepSeek).url == "http://upstream/chat/completions")
    }
}
