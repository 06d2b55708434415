import Core
import HTTPCodec
import JSON
import OpenAIAPI
import Providers
import Testing

private let miniMax = MiniMaxProvider(url: "http://upstream")

@Suite("MiniMax")
struct MiniMaxTests {
    private func job(
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
        ]
    )
    func address(given: String, used: String) throws {
        guard case .upstream(let outgoing) = try MiniMaxProvider(url: given).translate(job()) else { return }
        #expect(outgoing.url == used)
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
        let provider = MiniMaxProvider(url: "http://h/v1/chat/completions")
        #expect(try sent(job(), by: provider)["reasoning_split"]?.bool == true)
        #expect(try sent(job())["reasoning_split"] == nil)
    }

    @Test(
        "What it cannot do is refused by name, or left out",
        arguments: [
            (#""n":2"#, "n"), (#""stop":"x""#, "stop"), (#""logprobs":true"#, "logprobs"), (#""seed":1"#, "seed"),
            (#""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required""#, "tool_choice"),
        ]
    )
    func refused(members: String, parameter: String) throws {
        let error = #expect(throws: GatewayError.self) { try sent(job(members)) }
        #expect(error?.parameter == parameter && error?.code == .unsupportedParameter)
        #expect(throws: Never.self) { try sent(job(members, drops: true)) }
    }

    private static let flags = #""input_sensitive":false,"output_sensitive":false"#
    private static let v2 = events(
        #"{"id":"05aa","choices":[{"index":0,"delta":{"content":"","role":"assistant","name":"MiniMax AI","reasoning_content":"用戶打招呼"}}],"created":1794900201,"model":"MiniMax-M1","object":"chat.completion.chunk","usage":{"total_tokens":0,"total_characters":0},\#(flags)}"#,
        #"{"id":"05aa","choices":[{"index":0,"delta":{"content":"你好！我可以","role":"","name":"MiniMax AI","reasoning_content":""}}],"created":1794900201,"model":"MiniMax-M1","object":"chat.completion.chunk","usage":{"total_tokens":0},\#(flags)}"#,
        #"{"id":"05aa","choices":[{"finish_reason":"stop","index":0,"delta":{"content":"幫你什麼？","role":"assistant","name":"MiniMax AI"}}],"created":1794900201,"model":"MiniMax-M1","object":"chat.completion.chunk","usage":{"total_tokens":0},\#(flags)}"#,
        #"{"id":"05aa","choices":[{"finish_reason":"stop","index":0,"message":{"content":"你好！我可以幫你什麼？","role":"assistant","reasoning_content":"用戶打招呼"}}],"created":1794900201,"model":"MiniMax-M1","object":"chat.completion","usage":{"total_tokens":61,"prompt_tokens":26,"completion_tokens":35,"completion_tokens_details":{"reasoning_tokens":21}},\#(flags),"base_resp":{"status_code":0,"status_msg":""}}"#
    )

    private func run(_ stream: String, wantsUsage: Bool = true) throws -> StreamRun {
        let options = #""stream":true,"stream_options":{"include_usage":\#(wantsUsage)}"#
        return StreamRun.everyCut(Array(stream.utf8), of: try job(options), with: miniMax)
    }

    private func deltas(_ run: StreamRun) throws -> (text: String, reasoning: String, finish: [String]) {
        var result = (text: "", reasoning: "", finish: [String]())
        for line in run.text.split(separator: "\n") {
            let choice = try JSONDocument(parsing: Array(line.dropFirst(6).utf8)).root["choices"]?[0]
            result.text += choice?["delta"]?["content"]?.string ?? ""
            result.reasoning += choice?["delta"]?["reasoning_content"]?.string ?? ""
            if let reason = choice?["finish_reason"]?.string { result.finish.append(reason) }
            #expect(choice?["delta"]?["name"] == nil)
        }
        return result
    }

    @Test("The whole answer again at the end says nothing twice, and its usage counts")
    func wholeAgain() throws {
        let run = try run(Self.v2)
        let said = try deltas(run)
        #expect(said.text == "你好！我可以幫你什麼？" && said.reasoning == "用戶打招呼" && said.finish == ["stop"])
        #expect(run.isDone && run.usage == TokenUsage(prompt: 26, completion: 35, reasoning: 21))
        #expect(run.text.contains(#""total_tokens":61"#))
    }

    @Test("An answer that comes as nothing but the whole is said")
    func onlyWhole() throws {
        let whole =
            #"{"id":"05","choices":[{"finish_reason":"stop","index":0,"message":{"content":"hi"}}],"model":"m","created":1}"#
        let run = try run(events(whole))
        #expect(try deltas(run).text == "hi" && run.isDone)
    }

    @Test("A call in pieces, its thoughts kept for the next turn")
    func call() throws {
        let head = #"{"id":"05ab","created":1794900202,"model":"MiniMax-M2.7","usage":null,"choices":"#
        let stream = events(
            head
                + #"[{"index":0,"delta":{"role":"assistant","name":"MiniMax AI","content":"","reasoning_content":"Call it."}}]}"#,
            head
                + #"[{"index":0,"delta":{"name":"MiniMax AI","tool_calls":[{"id":"call_function_q1","type":"function","function":{"name":"get_weather","arguments":""},"index":1}]}}]}"#,
            head
                + #"[{"index":0,"delta":{"tool_calls":[{"function":{"arguments":"{\"city\": \"Taipei\"}"},"index":1}]}}]}"#,
            head + #"[{"finish_reason":"tool_calls","index":0,"delta":{"role":"assistant","content":""}}]}"#,
            #"{"id":"05ab","choices":[],"usage":{"total_tokens":120,"prompt_tokens":90,"completion_tokens":30,"prompt_tokens_details":{"cached_tokens":64}},"base_resp":{"status_code":0}}"#,
            "[DONE]"
        )
        let run = try run(stream)
        #expect(run.isDone && run.usage == TokenUsage(prompt: 90, completion: 30, cached: 64))
        #expect(run.text.contains(#""tool_calls":[{"index":0,"id":"call_function_q1","type":"function""#))
        #expect(run.text.contains(#"{"arguments":"{\"city\": \"Taipei\"}"}"#))
        #expect(try deltas(run).finish == ["tool_calls"])
        #expect(run.kept.map(\.call) == ["call_function_q1"])
        #expect(run.kept.first.map { String(decoding: $0.state, as: UTF8.self).contains("Call it.") } == true)
    }

    @Test("Text that is cut off for what it says ends with a filter; without any it is refused")
    func sensitive() throws {
        let piece =
            #"{"id":"05ac","choices":[{"index":0,"delta":{"content":"某"}}],"created":1,"model":"m","usage":{"total_tokens":0}}"#
        let failed =
            #"{"id":"05ac","choices":null,"output_sensitive":true,"base_resp":{"status_code":1027,"status_msg":"output new_sensitive"}}"#
        #expect(try deltas(run(events(piece, failed))).finish == ["content_filter"])
        #expect(try run(events(failed)).failure == .invalidRequest)
    }

    @Test("A stream without a reason to end is cut; other numbers fail it")
    func broken() throws {
        let piece = #"{"id":"05","choices":[{"index":0,"delta":{"content":"a"}}],"created":1,"model":"m"}"#
        #expect(try run(events(piece)).failure == .upstreamCut)
        #expect(try run(events(piece, "[DONE]")).failure == .upstreamCut)
        #expect(try run(events(piece, #"{"base_resp":{"status_code":1002}}"#)).failure == .rateLimitExceeded)
        #expect(try run(events(piece, "7")).failure == .upstreamInvalid)
    }

    @Test(
        "The numbers in an answer that claims success",
        arguments: [
            (1002, "rate limit", GatewayError.Code.rateLimitExceeded, FailureClass.rateLimited),
            (1039, "token limit", .rateLimitExceeded, .rateLimited),
            (1039, "context window exceeds limit", .contextLengthExceeded, .none),
            (1004, "login fail", .upstreamRefusedCredentials, .credentialsRefused),
            (2049, "invalid api key", .upstreamRefusedCredentials, .credentialsRefused),
            (1008, "insufficient balance", .insufficientQuota, .quotaExhausted),
            (2056, "usage limit", .insufficientQuota, .quotaExhausted),
            (1026, "input new_sensitive", .invalidRequest, .none), (2013, "invalid params", .invalidRequest, .none),
            (1001, "timeout", .upstreamTimeout, .failing), (1000, "unknown", .upstreamError, .failing),
            (2061, "plan", .upstreamRefusedCredentials, .modelForbidden),
        ] as [(Int, String, GatewayError.Code, FailureClass)]
    )
    func numbers(code: Int, message: String, expected: GatewayError.Code, failureClass: FailureClass) throws {
        let body = #"{"choices":null,"base_resp":{"status_code":\#(code),"status_msg":"\#(message)"}}"#
        let error = #expect(throws: GatewayError.self) {
            _ = try miniMax.translateAnswer(Array(body.utf8), to: job())
        }
        #expect(error?.code == expected && error?.failureClass == failureClass)
        // The same where it comes with a status.
        let failed = miniMax.failure(FailedAnswer(status: 400, body: Array(body.utf8)))
        #expect(failed.code == expected)
    }

    @Test("A warning beside a zero is no error, and total tokens alone are not made up into parts")
    func whole() throws {
        let body =
            #"{"id":"05","model":"m","created":1,"choices":[{"finish_reason":"stop","index":0,"message":{"content":"hi","name":"MiniMax AI"}}],"usage":{"total_tokens":9},"base_resp":{"status_code":0,"status_msg":"unknown field"}}"#
        let answer = try miniMax.translateAnswer(Array(body.utf8), to: job())
        #expect(answer.usage == TokenUsage(prompt: 9))
        let message = try JSONDocument(parsing: answer.body).root["choices"]?[0]?["message"]
        #expect(message?["content"]?.string == "hi" && message?["name"] == nil)
    }
}
