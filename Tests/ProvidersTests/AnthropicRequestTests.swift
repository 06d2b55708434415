import Core
import HTTPCodec
import OpenAIAPI
import Providers
import Testing

@Suite("Requests to Anthropic")
struct AnthropicRequestTests {
    private static let hello = #""messages":[{"role":"user","content":[{"type":"text","text":"x"}]}]"#

    private func refusal(_ job: Job) -> GatewayError? {
        do {
            _ = try anthropic.translate(job)
            return nil
        } catch {
            return error
        }
    }

    @Test("A plain request: key, version, endpoint and the limit that the vendor demands")
    func plain() throws {
        let outgoing = try anthropicRequest(anthropicJob())
        #expect(outgoing.url == "http://upstream/v1/messages")
        #expect(outgoing.headers.contains(HTTPHeader("x-api-key", "sk-test")))
        #expect(outgoing.headers.contains(HTTPHeader("anthropic-version", "2023-06-01")))
        #expect(outgoing.headers.contains(HTTPHeader("Accept", "application/json")))
        #expect(!outgoing.headers.contains { $0.name == "anthropic-beta" })
        #expect(outgoing.body.text == #"{"model":"claude-sonnet-4-5","max_tokens":64000,\#(Self.hello)}"#)
        let stream = try anthropicRequest(anthropicJob(#","stream":true"#))
        #expect(stream.headers.contains(HTTPHeader("Accept", "text/event-stream")))
        #expect(stream.body.text == #"{"model":"claude-sonnet-4-5","max_tokens":64000,\#(Self.hello),"stream":true}"#)
    }

    @Test("The base may have its version or not")
    func bases() throws {
        let provider = AnthropicProvider(baseURL: "http://upstream/v1", now: { 0 })
        #expect(try anthropicRequest(anthropicJob(), with: provider).url == "http://upstream/v1/messages")
        #expect(provider.modelsRequest(key: "k")?.url == "http://upstream/v1/models?limit=1000")
        for version in ["2026-10-21", nil] {
            let settings = ProviderSettings(version.map { ["ANTHROPIC_VERSION": $0] } ?? [:], now: { 0 })
            #expect(throws: Never.self) { try AnthropicProvider.definition.make(settings) }
        }
        for version in ["2026", "2026-13-01", "tomorrow", "2026-10-21\r\nx: y"] {
            let settings = ProviderSettings(["ANTHROPIC_VERSION": version], now: { 0 })
            #expect(throws: ProviderProblem.self) { try AnthropicProvider.definition.make(settings) }
        }
    }

    @Test(
        "Parameters in the vendor's words",
        arguments: [
            (#","max_tokens":7"#, #""max_tokens":7"#, ""),
            (#","max_tokens":9,"max_completion_tokens":7"#, #""max_tokens":7"#, ""),
            (#","stop":"END""#, "", #","stop_sequences":["END"]"#),
            (#","stop":["END"," \n","x"]"#, "", #","stop_sequences":["END","x"]"#), (#","stop":[" "]"#, "", ""),
            (#","stop_sequences":["own"]"#, "", #","stop_sequences":["own"]"#),
            (#","temperature":0.5"#, "", #","temperature":0.5"#), (#","temperature":1.7"#, "", #","temperature":1"#),
            (#","top_p":0.9"#, "", #","top_p":0.9"#),
            // This generation takes one of the two.
            (#","temperature":0,"top_p":0.9"#, "", #","temperature":0"#), (#","top_k":5"#, "", #","top_k":5"#),
            (#","user":"u1""#, "", #","metadata":{"user_id":"u1"}"#),
            (#","user":"u1","safety_identifier":"s""#, "", #","metadata":{"user_id":"s"}"#),
            (#","metadata":{"user_id":"m","x":"y"},"user":"u"# + "\"", "", #","metadata":{"user_id":"m"}"#),
            (#","service_tier":"auto""#, "", #","service_tier":"auto""#),
            (#","service_tier":"default""#, "", #","service_tier":"standard_only""#),
            (#","cache_control":{"type":"ephemeral"}"#, "", #","cache_control":{"type":"ephemeral"}"#),
            (#","container":"c","speed":"fast""#, "", #","container":"c","speed":"fast""#),
            // What asks for nothing needs no word.
            (
                #","n":1,"logprobs":false,"seed":null,"frequency_penalty":0,"logit_bias":{},"modalities":["text"]"#, "",
                ""
            ),
            (#","response_format":{"type":"text"},"store":true,"stream_options":null"#, "", ""),
        ]
    )
    func parameters(_ members: String, _ limit: String, _ expected: String) throws {
        let limit = limit.isEmpty ? #""max_tokens":64000"# : limit
        let body = try anthropicBody(anthropicJob(members))
        #expect(body == #"{"model":"claude-sonnet-4-5",\#(limit),\#(Self.hello)\#(expected)}"#)
    }

    @Test(
        "What the vendor has no word for is refused by name, or left out on demand",
        arguments: [
            (#","logprobs":true"#, "logprobs"), (#","seed":7"#, "seed"), (#","logit_bias":{"1":2}"#, "logit_bias"),
            (#","frequency_penalty":0.5"#, "frequency_penalty"), (#","presence_penalty":1"#, "presence_penalty"),
            (#","modalities":["text","audio"]"#, "modalities"), (#","audio":{"voice":"v"}"#, "audio"),
            (#","service_tier":"flex""#, "service_tier"), (#","stream":true,"n":2"#, "n"), (#","n":17"#, "n"),
        ]
    )
    func unsupported(_ members: String, _ parameter: String) throws {
        let error = refusal(try anthropicJob(members))
        #expect(error?.code == .unsupportedParameter)
        #expect(error?.parameter == parameter)
        #expect(error?.retry == .elsewhere)
        let stream = members.contains("stream") ? #","stream":true"# : ""
        #expect(
            try anthropicBody(anthropicJob(members, drops: true))
                == #"{"model":"claude-sonnet-4-5","max_tokens":64000,\#(Self.hello)\#(stream)}"#
        )
    }

    @Test("Several choices are as many calls")
    func choices() throws {
        guard case .batch(let requests) = try anthropic.translate(anthropicJob(#","n":3"#)) else {
            Issue.record("not a batch")
            return
        }
        #expect(requests.count == 3)
        #expect(Set(requests.map(\.body.text)).count == 1)
        #expect(!requests[0].body.text.contains(#""n""#))
    }

    @Test("Other operations are refused")
    func operations() throws {
        let request = try ModelRequest(.embedding, body: Array(#"{"model":"m","input":"x"}"#.utf8))
        #expect(refusal(Job(request, model: "claude-x", key: "k"))?.parameter == "model")
    }

    @Test(
        "Beta features go where the vendor's clients put them",
        arguments: [
            (#""files-api-2025-04-14""#, "files-api-2025-04-14"), (#"["a-1","b-2"]"#, "a-1,b-2"), (#""a,b""#, "a,b"),
        ]
    )
    func beta(_ value: String, _ header: String) throws {
        let outgoing = try anthropicRequest(anthropicJob(#","anthropic_beta":\#(value)"#))
        #expect(outgoing.headers.contains(HTTPHeader("anthropic-beta", header)))
        #expect(!outgoing.body.text.contains("beta"))
    }

    @Test("No header is made of what cannot be one", arguments: [#""a\r\nx: y""#, "[1]", #"["a",2]"#, #""""#, "{}"])
    func badBeta(_ value: String) throws {
        #expect(refusal(try anthropicJob(#","anthropic_beta":\#(value)"#))?.parameter == "anthropic_beta")
    }

    @Test("Models and an interface that take no sampling parameters get none")
    func sampling() throws {
        let members = #","temperature":0.5,"top_p":0.9"#
        let job = try anthropicJob(members, model: "claude-opus-4-7")
        #expect(try anthropicBody(job) == #"{"model":"claude-opus-4-7","max_tokens":128000,\#(Self.hello)}"#)
        let later = AnthropicProvider(baseURL: "http://upstream", version: "2026-10-21", now: { 0 })
        #expect(
            try anthropicBody(anthropicJob(members), with: later)
                == #"{"model":"claude-sonnet-4-5","max_tokens":64000,\#(Self.hello)}"#
        )
        // The third generation takes both.
        #expect(try anthropicBody(anthropicJob(members, model: "claude-3-haiku-20240307")).contains(members))
    }

    @Test(
        "An effort in the words of the model's generation",
        arguments: [
            (
                "claude-sonnet-4-5", "minimal", "", #""max_tokens":64000"#,
                #","thinking":{"type":"enabled","budget_tokens":1024}"#
            ),
            (
                "claude-sonnet-4-5", "low", #","max_tokens":100"#, #""max_tokens":2148"#,
                #","thinking":{"type":"enabled","budget_tokens":2048}"#
            ),
            (
                "claude-sonnet-4-5", "medium", #","max_tokens":9000"#, #""max_tokens":9000"#,
                #","thinking":{"type":"enabled","budget_tokens":8192}"#
            ),
            (
                "claude-opus-4-1", "xhigh", #","max_tokens":9000"#, #""max_tokens":32000"#,
                #","thinking":{"type":"enabled","budget_tokens":31999}"#
            ),
            (
                "claude-3-7-sonnet-20250219", "high", "", #""max_tokens":64000"#,
                #","thinking":{"type":"enabled","budget_tokens":16384}"#
            ),
            ("claude-sonnet-4-5", "none", "", #""max_tokens":64000"#, ""),
            (
                "claude-sonnet-4-6", "minimal", "", #""max_tokens":128000"#,
                #","thinking":{"type":"adaptive","display":"summarized"},"output_config":{"effort":"low"}"#
            ),
            (
                "claude-opus-4-6", "xhigh", "", #""max_tokens":128000"#,
                #","thinking":{"type":"adaptive","display":"summarized"},"output_config":{"effort":"max"}"#
            ),
            (
                "claude-opus-4-7", "xhigh", "", #""max_tokens":128000"#,
                #","thinking":{"type":"adaptive","display":"summarized"},"output_config":{"effort":"xhigh"}"#
            ),
            (
                "claude-sonnet-5", "high", #","max_tokens":5"#, #""max_tokens":5"#,
                #","thinking":{"type":"adaptive","display":"summarized"},"output_config":{"effort":"high"}"#
            ),
            ("claude-opus-4-7", "none", "", #""max_tokens":128000"#, ""),
            ("claude-opus-5", "none", "", #""max_tokens":128000"#, #","thinking":{"type":"disabled"}"#),
            ("claude-sonnet-5-5", "none", "", #""max_tokens":128000"#, #","thinking":{"type":"between_tools"}"#),
        ]
    )
    func effort(_ model: String, _ word: String, _ members: String, _ limit: String, _ expected: String) throws {
        let job = try anthropicJob(#","reasoning_effort":"\#(word)"\#(members)"#, model: model)
        #expect(try anthropicBody(job) == #"{"model":"\#(model)",\#(limit),\#(Self.hello)\#(expected)}"#)
    }

    @Test(
        "An effort that a model cannot make is refused",
        arguments: [("claude-3-5-haiku-20241022", "low"), ("claude-opus-5-5", "none"), ("claude-fable-5", "none")]
    )
    func noEffort(_ model: String, _ word: String) throws {
        let members = #","reasoning_effort":"\#(word)""#
        #expect(refusal(try anthropicJob(members, model: model))?.parameter == "reasoning_effort")
        #expect(!(try anthropicBody(anthropicJob(members, model: model, drops: true)).contains("thinking")))
    }

    @Test("A budget leaves no place for sampling, and the client's own thinking passes")
    func thinking() throws {
        let body = try anthropicBody(anthropicJob(#","reasoning_effort":"low","temperature":0.5,"top_k":4"#))
        #expect(!body.contains("temperature"))
        #expect(!body.contains("top_k"))
        let own = #","thinking":{"type":"enabled","budget_tokens":5000}"#
        #expect(try anthropicBody(anthropicJob(own + #","reasoning_effort":"high""#)).hasSuffix(Self.hello + own + "}"))
        let adaptive = try anthropicJob(
            #","thinking":{"type":"adaptive"},"reasoning_effort":"low","output_config":{"x":1}"#,
            model: "claude-opus-4-6"
        )
        #expect(
            try anthropicBody(adaptive).hasSuffix(
                #","thinking":{"type":"adaptive"},"output_config":{"x":1,"effort":"low"}}"#
            )
        )
    }

    @Test("A schema is the model's own affair where it can be, else a tool that must be called")
    func schemas() throws {
        let schema = #"{"type":"object","properties":{"a":{"type":"number"}}}"#
        let members =
            #","response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":\#(schema)}}"#
        #expect(
            try anthropicBody(anthropicJob(members))
                .hasSuffix(#","output_config":{"format":{"type":"json_schema","schema":\#(schema)}}}"#)
        )
        let tool =
            #"{"name":"json_tool_call","description":"Gives the final answer. Call it instead of writing the answer as text.","input_schema":\#(schema)}"#
        let old = "claude-sonnet-4-20250514"
        #expect(
            try anthropicBody(anthropicJob(members, model: old))
                .hasSuffix(#","tools":[\#(tool)],"tool_choice":{"type":"tool","name":"json_tool_call"}}"#)
        )
        // Beside other tools it is one of them.
        let both = members + #","tools":[{"type":"function","function":{"name":"f"}}]"#
        #expect(
            try anthropicBody(anthropicJob(both, model: old))
                .hasSuffix(
                    #","tools":[{"name":"f","input_schema":{"type":"object","properties":{}}},\#(tool)],"tool_choice":{"type":"any"}}"#
                )
        )
    }

    @Test("An object without a schema is asked for in words")
    func jsonObject() throws {
        let body = try anthropicBody(anthropicJob(#","response_format":{"type":"json_object"}"#))
        #expect(
            body.contains(
                #""system":[{"type":"text","text":"Answer with one JSON object and nothing else: no explanation, no code fence."}]"#
            )
        )
    }
}
