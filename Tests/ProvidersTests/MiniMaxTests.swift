import Core
import HTTPCodec
import JSON
import OpenAIAPI
import Providers
import Testing

let miniMax = MiniMaxProvider(url: "http://upstream", now: { 1_700_000_000 })

@Suite("MiniMax")
struct MiniMaxTests {
    func job(
        _ members: String = "",
        messages: String = #"[{"role":"user","content":"x"}]"#,
        model: String = "MiniMax-M2.7",
        drops: Bool = false,
        kept: [String: [UInt8]] = [:]
    ) throws -> Job {
        let body = #"{"model":"minmax/\#(model)","messages":\#(messages)\#(members.isEmpty ? "" : "," + members)}"#
        var materials = Materials()
        materials.kept = kept
        let request = try ModelRequest(.chat, body: Array(body.utf8))
        return Job(request, model: model, key: "sk-test", materials: materials, dropsUnsupported: drops)
    }

    private func sent(_ job: Job, by provider: MiniMaxProvider = miniMax) throws -> JSONValue {
        guard case .upstream(let outgoing) = try provider.translate(job) else {
            throw GatewayError(.internalError, "not one call")
        }
        return try JSONDocument(parsing: outgoing.body).root
    }

    @Test(
        "The address may be the endpoint, a version or a host",
        arguments: [
            ("http://h", "http://h/v1/text/chatcompletion_v2"),
            ("http://h/v1", "http://h/v1/text/chatcompletion_v2"),
            ("http://h/v1/chat/completions", "http://h/v1/chat/completions"),
            ("http://h/v1/text/chatcompletion_v2", "http://h/v1/text/chatcompletion_v2"),
            ("http://h/else/where", "http://h/else/where"),
        ]
    )
    func address(given: String, used: String) throws {
        #expect(try address(given, "MiniMax-M2.7") == used)
    }

    @Test(
        "The newest models are served at the compatible endpoint only",
        arguments: [
            ("http://h", "http://h/v1/chat/completions"), ("http://h/v1", "http://h/v1/chat/completions"),
            ("http://h/v1/text/chatcompletion_v2", "http://h/v1/chat/completions"),
            ("http://h/else/where", "http://h/else/where"),
        ]
    )
    func newestAddress(given: String, used: String) throws {
        #expect(try address(given, "MiniMax-M3") == used)
        #expect(try address(given, "MiniMax-M9") == used)
    }

    private func address(_ given: String, _ model: String) throws -> String? {
        guard case .upstream(let call) = try MiniMaxProvider(url: given, now: { 0 }).translate(job(model: model)) else {
            return nil
        }
        return call.url
    }

    @Test(
        "Each row of the mapping",
        arguments: [
            ("MiniMax-M2.7", #""temperature":0"#, "temperature", "0.01"),
            ("MiniMax-M2.7", #""temperature":1.5"#, "temperature", "1"),
            ("MiniMax-M2.7", #""temperature":0.30"#, "temperature", "0.30"),
            ("MiniMax-M3", #""temperature":1.5"#, "temperature", "1.5"),
            ("MiniMax-M2.7", #""max_tokens":7"#, "max_completion_tokens", "7"),
            ("MiniMax-M2.7", #""max_tokens":7"#, "max_tokens", nil),
            ("abab6.5s-chat", #""max_completion_tokens":7"#, "max_tokens", "7"),
            ("MiniMax-M2.7", #""top_p":0"#, "top_p", "0.01"), ("MiniMax-M2.7", #""top_p":0.5"#, "top_p", "0.5"),
            ("MiniMax-M2.7", #""service_tier":"auto""#, "service_tier", nil),
            ("MiniMax-Text-01", #""reasoning_effort":"none""#, "thinking", nil),
            ("MiniMax-M2.7", #""thinking":{"type":"adaptive"}"#, "thinking", #"{"type":"adaptive"}"#),
            ("MiniMax-M2.7", #""mask_sensitive_info":true"#, "mask_sensitive_info", "true"),
            ("MiniMax-M3", #""reasoning_effort":"none""#, "thinking", #"{"type":"disabled"}"#),
            ("MiniMax-M3", #""reasoning_effort":"high""#, "thinking", #"{"type":"adaptive"}"#),
            ("MiniMax-M2.7", #""reasoning_effort":"high""#, "thinking", nil),
            ("MiniMax-M3", #""seed":5"#, "seed", "5"),
            ("MiniMax-M2.7", #""user":"u","metadata":{"a":"b"}"#, "user", nil),
            (
                "MiniMax-M2.7", #""tools":[{"type":"function","function":{"name":"f","strict":true}}]"#, "tools",
                #"[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]"#
            ),
            (
                "MiniMax-M3", #""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required""#,
                "tool_choice", #""required""#
            ),
            ("MiniMax-M2.7", #""stream":true"#, "stream_options", #"{"include_usage":true}"#),
        ] as [(String, String, String, String?)]
    )
    func rows(model: String, members: String, name: String, value: String?) throws {
        let body = try sent(job(members, model: model))
        #expect(body.member(named: name).map { String(decoding: $0.raw, as: UTF8.self) } == value)
    }

    @Test("A function that is chosen by name is offered alone")
    func chosen() throws {
        let tools =
            #""tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}]"#
        let body = try sent(job(tools + #","tool_choice":{"type":"function","function":{"name":"g"}}"#))
        #expect(body["tools"]?.count == 1 && body["tools"]?[0]?["function"]?["name"]?.string == "g")
        #expect(body["tool_choice"]?.string == "auto")
        #expect(body["messages"]?[0]?["content"]?.string == "You must call the tool 'g'.")
        let modern = try sent(
            job(tools + #","tool_choice":{"type":"function","function":{"name":"g"}}"#, model: "MiniMax-M3")
        )
        #expect(modern["tool_choice"]?.string == "required" && modern["messages"]?.count == 1)
        let serial = try sent(job(tools + #","parallel_tool_calls":false"#))
        #expect(serial["messages"]?[0]?["content"]?.string == "Call no more than one tool at a time.")
        let unknown = #","tool_choice":{"type":"function","function":{"name":"h"}}"#
        let error = #expect(throws: GatewayError.self) { try sent(job(tools + unknown)) }
        #expect(error?.parameter == "tool_choice")
    }

    @Test("Messages lose what it does not know and keep what it wants back")
    func messages() throws {
        let turns = #"""
            [{"role":"developer","content":"d"},{"role":"user","content":[{"type":"text","text":"t"},
              {"type":"image_url","image_url":{"url":"https://x/y"}}]},
             {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":""}}]},
             {"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]
            """#
        let plain = try job(messages: turns)
        #expect(miniMax.needs(of: plain.request, model: plain.model).calls == ["c1"])
        let list = try sent(job(messages: turns, kept: ["c1": Array(#"[{"text":"hm"}]"#.utf8)]))["messages"]
        let messages = Array(try #require(list).elements)
        #expect(messages[0]["role"]?.string == "system")
        #expect(messages[1]["content"]?.count == 2)
        #expect(messages[2]["tool_calls"]?[0]?["function"]?["arguments"]?.string == "{}")
        #expect(messages[2]["reasoning_details"]?[0]?["text"]?.string == "hm")
        #expect(messages[3]["content"]?.string == "ab")
    }

    @Test("Formats are told in words where the model has none")
    func formats() throws {
        let schema = #""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}}"#
        let told = try sent(job(schema))
        #expect(told["response_format"] == nil)
        #expect(told["messages"]?[0]?["content"]?.string?.contains(#"{"type":"object"}"#) == true)
        #expect(try sent(job(schema, model: "MiniMax-Text-01"))["response_format"]?.isObject == true)
    }

    @Test("On the compatible path thoughts are asked for apart")
    func split() throws {
        let provider = MiniMaxProvider(url: "http://h/v1/chat/completions", now: { 0 })
        #expect(try sent(job(), by: provider)["reasoning_split"]?.bool == true)
        #expect(try sent(job())["reasoning_split"] == nil)
    }

    @Test(
        "What it cannot do is refused by name, or left out",
        arguments: [
            (#""n":2"#, "n"), (#""stop":"x""#, "stop"), (#""logprobs":true"#, "logprobs"), (#""seed":1"#, "seed"),
            (#""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required""#, "tool_choice"),
            (#""reasoning_effort":"none""#, "reasoning_effort"), (#""service_tier":"flex""#, "service_tier"),
            (#""logit_bias":{"1":2}"#, "logit_bias"),
        ]
    )
    func refused(members: String, parameter: String) throws {
        let error = #expect(throws: GatewayError.self) { try sent(job(members)) }
        #expect(error?.parameter == parameter && error?.code == .unsupportedParameter)
        #expect(throws: Never.self) { try sent(job(members, drops: true)) }
    }

    @Test("What a model without thoughts is asked of them is refused, nor are any looked for")
    func thoughtless() throws {
        let job = try job(#""reasoning_effort":"low""#, messages: Self.called, model: "MiniMax-Text-01")
        let error = #expect(throws: GatewayError.self) { try sent(job) }
        #expect(error?.parameter == "reasoning_effort")
        #expect(miniMax.needs(of: job.request, model: job.model).isEmpty)
    }

    private static let called =
        #"[{"role":"user","content":"x"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"a"}]"#

    @Test(
        "Thoughts that the client carries win over those that were kept",
        arguments: [
            (#""reasoning_content":"mine""#, "mine"), (#""reasoning_details":[{"text":"own"}]"#, "own"),
            (#""reasoning_content":"""#, "kept"),
        ]
    )
    func carried(member: String, text: String) throws {
        let messages = Self.called.replacing(#""content":null"#, with: #""content":null,\#(member)"#)
        let job = try job(messages: messages, kept: ["c1": Array(#"[{"text":"kept"}]"#.utf8)])
        #expect(miniMax.needs(of: job.request, model: job.model).calls == (text == "kept" ? ["c1"] : []))
        #expect(try sent(job)["messages"]?[1]?["reasoning_details"]?[0]?["text"]?.string == text)
    }

    @Test("Arguments of the history that are no object are the client's to mend")
    func brokenArguments() throws {
        let job = try job(messages: Self.called.replacing(#""{}""#, with: #""{oops""#))
        let error = #expect(throws: GatewayError.self) { try sent(job) }
        #expect(error?.parameter == "messages[1].tool_calls[0].function.arguments")
    }
}
