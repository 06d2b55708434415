import Core
import HTTPCodec
import OpenAIAPI
import Providers
import Testing

@Suite("Requests to Ollama")
struct OllamaRequestTests {
    private func messages(_ messages: String, files: [String: FetchedFile] = [:]) throws -> String {
        let body = try ollamaBody(try ollamaJob(messages: messages, files: files))
        let start = #"{"model":"llama3:8b","stream":false,"messages":"#
        #expect(body.hasPrefix(start))
        return String(body.dropFirst(start.count).dropLast())
    }

    @Test("The call itself, with a key only where there is one")
    func call() throws {
        let job = try ollamaJob(#","stream":true"#, model: "hf.co/org/model:Q4")
        guard case .upstream(let open) = try ollama.translate(job) else { return #expect(Bool(false)) }
        #expect(open.url == "http://upstream/api/chat")
        #expect(open.headers.contains { $0.name == "Accept" && $0.value == "application/x-ndjson" })
        #expect(!open.headers.contains { $0.name == "Authorization" })
        #expect(open.body.text.hasPrefix(#"{"model":"hf.co/org/model:Q4","stream":true,"messages":"#))
        let keyed = Job(job.request, model: "m", key: "sk-test-one")
        guard case .upstream(let closed) = try ollama.translate(keyed) else { return #expect(Bool(false)) }
        #expect(closed.headers.contains { $0.name == "Authorization" && $0.value == "Bearer sk-test-one" })
    }

    @Test("Texts of a message are joined, a developer is the system")
    func texts() throws {
        #expect(
            try messages(
                #"[{"role":"developer","content":"be"},{"role":"user","content":[{"type":"text","text":"a\u00e9"},{"type":"text","text":"b"}]}]"#
            ) == #"[{"role":"system","content":"be"},{"role":"user","content":"aé\nb"}]"#
        )
    }

    @Test("Images stand beside the text, bare, and are fetched where they are addresses")
    func images() throws {
        let parts =
            #"[{"role":"user","content":[{"type":"text","text":"?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBO"}},{"type":"image_url","image_url":{"url":"https://host/a.png"}}]}]"#
        let file = FetchedFile(mediaType: "image/png", content: [1, 2, 3])
        #expect(
            try messages(parts, files: ["https://host/a.png": file])
                == #"[{"role":"user","content":"?","images":["iVBO","AQID"]}]"#
        )
        let job = try ollamaJob(messages: parts)
        let needs = ollama.needs(of: job.request, model: job.model)
        #expect(needs.addresses.map(\.url) == ["https://host/a.png"])
        #expect(needs.addresses.map(\.parameter) == ["messages[0].content[2].image_url.url"])
        #expect(refusal { _ = try ollamaBody(job) }?.parameter == "messages[0].content[2].image_url.url")
    }

    @Test(
        "What is no image is refused by its place",
        arguments: [
            #"{"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}}"#,
            #"{"type":"file","file":{"file_id":"f"}}"#,
        ]
    )
    func otherContent(part: String) throws {
        let job = try ollamaJob(messages: #"[{"role":"user","content":[\#(part)]}]"#)
        let error = refusal { _ = try ollamaBody(job) }
        #expect(error?.parameter == "messages[0].content[0]" && error?.code == .unsupportedParameter)
    }

    @Test("Calls have objects for arguments, results the name and the id of their call, reasoning goes back")
    func tools() throws {
        let history = #"""
            [{"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}},{"id":"c2","type":"function","function":{"name":"g","arguments":""}}]},{"role":"tool","tool_call_id":"c2","content":"2"},{"role":"tool","tool_call_id":"c1","content":"1"}]
            """#
        #expect(
            try messages(history)
                == #"[{"role":"assistant","content":"","thinking":"hm","tool_calls":[{"id":"c1","function":{"index":0,"name":"f","arguments":{"a": 1}}},{"id":"c2","function":{"index":1,"name":"g","arguments":{}}}]},{"role":"tool","tool_name":"g","tool_call_id":"c2","content":"2"},{"role":"tool","tool_name":"f","tool_call_id":"c1","content":"1"}]"#
        )
        let broken =
            #"[{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{oops"}}]}]"#
        #expect(refusal { _ = try messages(broken) }?.parameter == "messages[0].tool_calls[0].function.arguments")
    }

    @Test(
        "Each parameter in its place",
        arguments: [
            (#","max_tokens":5"#, #","options":{"num_predict":5}"#),
            (#","max_tokens":5,"max_completion_tokens":7"#, #","options":{"num_predict":7}"#),
            (
                #","temperature":0.5,"top_p":0.25,"seed":7,"presence_penalty":1,"frequency_penalty":-1"#,
                #","options":{"temperature":0.5,"top_p":0.25,"seed":7,"presence_penalty":1,"frequency_penalty":-1}"#
            ),
            (#","stop":"END""#, #","options":{"stop":["END"]}"#),
            (#","stop":["a","b"]"#, #","options":{"stop":["a","b"]}"#),
            (#","top_k":40,"num_ctx":8192"#, #","options":{"top_k":40,"num_ctx":8192}"#),
            (#","response_format":{"type":"json_object"}"#, #","format":"json""#),
            (
                #","response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}}"#,
                #","format":{"type":"object"}"#
            ),
            (#","response_format":{"type":"text"}"#, ""),
            (#","logprobs":true,"top_logprobs":2"#, #","logprobs":true,"top_logprobs":2"#),
            (
                #","keep_alive":"5m","truncate":false,"think":"high""#,
                #","think":"high","keep_alive":"5m","truncate":false"#
            ),
            (#","options":{"num_ctx":9,"seed":1},"seed":2"#, #","options":{"num_ctx":9,"seed":1}"#),
            (#","format":{"type":"array"},"response_format":{"type":"json_object"}"#, #","format":{"type":"array"}"#),
            (#","user":"u","service_tier":"auto","parallel_tool_calls":true,"n":1"#, ""),
        ]
    )
    func parameters(given: String, sent: String) throws {
        #expect(try ollamaMembers(given) == sent)
    }

    @Test(
        "Reasoning is on or off; one family has levels",
        arguments: [
            ("none", "qwen3", "false"), ("minimal", "qwen3", "true"), ("xhigh", "qwen3", "true"),
            ("minimal", "gpt-oss:20b", #""low""#), ("medium", "hub/gpt-oss:20b", #""medium""#),
            ("high", "gpt-oss", #""high""#), ("xhigh", "gpt-oss", #""max""#), ("max", "gpt-oss", #""max""#),
        ]
    )
    func effort(effort: String, model: String, think: String) throws {
        #expect(try ollamaMembers(#","reasoning_effort":"\#(effort)""#, model: model) == #","think":\#(think)"#)
    }

    private static let tools =
        #","tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{}},"strict":true}},{"type":"function","function":{"name":"g"}}]"#
    private static let f =
        #"{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{}}}}"#
    private static let g =
        #"{"type":"function","function":{"name":"g","parameters":{"type":"object","properties":{}}}}"#

    @Test(
        "Tools, all or some or none of them",
        arguments: [
            ("", f + "," + g), (#","tool_choice":"auto""#, f + "," + g),
            (
                #","tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"g"}}]}}"#,
                g
            ),
        ]
    )
    func offeredTools(choice: String, offered: String) throws {
        #expect(try ollamaMembers(Self.tools + choice) == #","tools":[\#(offered)]"#)
        #expect(try ollamaMembers(Self.tools + #","tool_choice":"none""#) == "")
    }

    @Test(
        "What a model cannot be made to do it is told",
        arguments: [
            (#""required""#, "You must call one of the tools."),
            (#"{"type":"function","function":{"name":"g"}}"#, "You must call the tool 'g'."),
            (#""auto","parallel_tool_calls":false"#, "Call no more than one tool at a time."),
        ]
    )
    func told(choice: String, words: String) throws {
        let body = try ollamaBody(try ollamaJob(Self.tools + #","tool_choice":"# + choice))
        #expect(body.contains(#""messages":[{"role":"system","content":"\#(words)"}"#))
        #expect(body.contains(#""name":"f""#) == !words.contains("'g'"))
    }

    @Test(
        "What it cannot do is refused by name, or left out where the operator says so",
        arguments: unsupported
    )
    func refused(members: String, parameter: String) throws {
        let error = refusal { _ = try ollama.translate(try ollamaJob(members)) }
        #expect(error?.parameter == parameter && error?.code == .unsupportedParameter)
        _ = try ollama.translate(try ollamaJob(members, drops: true))
    }

    @Test("Several choices are several calls")
    func choices() throws {
        guard case .batch(let calls) = try ollama.translate(try ollamaJob(#","n":3"#)) else {
            return #expect(Bool(false))
        }
        #expect(calls.count == 3)
    }

    @Test("Configured by its address; one that ends in /v1 speaks OpenAI's dialect")
    func definition() throws {
        func make(_ values: [String: String]) throws -> any Provider {
            try OllamaProvider.definition.make(ProviderSettings(values, now: { 0 }))
        }
        #expect(!(try make([:])).isConfigured)
        let plain = try make(["OLLAMA_BASEURL": "http://host:1/"])
        #expect(plain.isConfigured && !plain.needsAccount && plain.baseURL == "http://host:1")
        #expect(plain.patience == .seconds(120) && plain.streamType == .lineDelimitedJSON)
        let keyed = try make([
            "OLLAMA_BASEURL": "http://host", "OLLAMA_API_KEY": "sk-test-one", "OLLAMA_TIMEOUT": "1.5",
        ])
        #expect(keyed.needsAccount && keyed.patience == .milliseconds(1500))
        let compatible = try make(["OLLAMA_BASEURL": "http://host/v1"])
        #expect(compatible.name == "ollama" && compatible.streamType == .eventStream && !compatible.owns("gpt-4"))
        #expect(throws: ProviderProblem.self) { try make(["OLLAMA_TIMEOUT": "soon"]) }
    }
}

private let unsupported: [(String, String)] = [
    (#","logit_bias":{"1":2}"#, "logit_bias"),
    (#","service_tier":"flex""#, "service_tier"),
    (#","modalities":["audio"]"#, "modalities"),
    (#","stream":true,"n":2"#, "n"),
]
