import Core
import JSON
import OpenAIAPI
import Providers
import Testing

/// What MiniMax answers, whole and in streams.
extension MiniMaxTests {
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

    private static func delta(_ members: String, _ choice: String = "") -> String {
        #"{"id":"05","choices":[{"index":0,"delta":{\#(members)}\#(choice)}],"created":1,"model":"m"}"#
    }

    private static let ended = delta("", #","finish_reason":"stop""#)

    @Test("Calls whole on the last chunk, without ids, without arguments, with a name again and again")
    func oddCalls() throws {
        let stream = events(
            Self.delta(#""tool_calls":[{"index":2,"function":{"name":"f"}}]"#),
            Self.delta(#""tool_calls":[{"index":3,"id":"a","function":{"name":"g","arguments":"{\"x\":"}}]"#),
            Self.delta(#""tool_calls":[{"index":3,"id":"a","function":{"name":"g","arguments":"1}"}}]"#),
            Self.delta(
                #""tool_calls":[{"index":3,"id":"b","function":{"name":"h","arguments":{"y":2}}},{"index":4,"id":"b","function":{"name":"i","arguments":""}}]"#,
                #","finish_reason":"tool_calls""#
            )
        )
        // What has no id gets one by chance.
        let run = StreamRun([Array(stream.utf8)[...]], of: try job(#""stream":true"#), with: miniMax)
        var calls: [(id: String, name: String, arguments: String)] = []
        for line in run.text.split(separator: "\n") {
            let delta = try JSONDocument(parsing: Array(line.dropFirst(6).utf8)).root["choices"]?[0]?["delta"]
            guard let call = delta?["tool_calls"]?[0], let index = call["index"]?.int else { continue }
            if let id = call["id"]?.string {
                #expect(index == calls.count)
                calls.append((id, call["function"]?["name"]?.string ?? "", ""))
            }
            calls[index].arguments += call["function"]?["arguments"]?.string ?? ""
        }
        #expect(calls.map(\.name) == ["f", "g", "h", "i"])
        #expect(calls.map(\.arguments) == ["{}", #"{"x":1}"#, #"{"y":2}"#, "{}"])
        #expect(Set(calls.map(\.id)).count == 4 && calls.allSatisfy { !$0.id.isEmpty })
        #expect(try run.isDone && deltas(run).finish == ["tool_calls"])
    }

    @Test("Thoughts within the text and thoughts in a list are thoughts, and kept")
    func thoughts() throws {
        let call = #""tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]"#
        let marked = try run(
            events(
                Self.delta(#""content":"<think>\nh\"m""#),
                Self.delta(#""content":"\n</think>\n\nyes""#),
                Self.delta(call),
                Self.ended
            )
        )
        let said = try deltas(marked)
        #expect(said.reasoning == "h\"m" && said.text == "yes" && said.finish == ["tool_calls"])
        #expect(marked.kept.first.map { String(decoding: $0.state, as: UTF8.self).contains(#""text":"h\"m""#) } == true)
        let listed = try run(
            events(
                Self.delta(#""reasoning_details":[{"text":"a"},{"text":"b"},{}]"#),
                Self.delta(#""content":"<think>x""#),
                Self.ended
            )
        )
        #expect(try deltas(listed).reasoning == "ab")
        #expect(try deltas(listed).text == "<think>x")
    }

    @Test("What a search found is not said, the answer beside it is")
    func search() throws {
        let found = #"{"role":"tool","content":"[1]"}"#
        let last =
            #"{"id":"05","choices":[{"finish_reason":"stop","messages":[\#(found),{"role":"assistant","content":"hi"}]}],"model":"m","created":1,"usage":{"total_tokens":3}}"#
        let run = try run(events(#"{"id":"05","choices":[{"delta":\#(found)}],"created":1}"#, last))
        #expect(try deltas(run).text == "hi" && run.isDone)
        let whole = try miniMax.translateAnswer(Array(last.utf8), to: job())
        #expect(try JSONDocument(parsing: whole.body).root["choices"]?[0]?["message"]?["content"]?.string == "hi")
    }

    @Test("A body that is no stream at all is read as what it is")
    func bare() throws {
        let refused = #"{"choices":null,"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}"#
        #expect(try run(refused).failure == .insufficientQuota)
        #expect(try run(refused + "\n").failure == .insufficientQuota)
    }

    @Test("The vendor's front refuses with an object of its own, under any status")
    func front() throws {
        let body = Array(
            #"{"type":"error","error":{"type":"authorized_error","message":"login fail (1004)","http_code":"401"},"request_id":"r"}"#
                .utf8
        )
        #expect(miniMax.failure(FailedAnswer(status: 401, body: body)).failureClass == .credentialsRefused)
        let error = #expect(throws: GatewayError.self) { _ = try miniMax.translateAnswer(body, to: job()) }
        #expect(error?.code == .upstreamRefusedCredentials)
        let plain = Array(#"{"error":{"message":"slow down","http_code":"429"}}"#.utf8)
        #expect(miniMax.failure(FailedAnswer(status: 400, body: plain, retryAfter: "7")).retryAfter == 7)
        #expect(miniMax.failure(FailedAnswer(status: 503, body: Array("<html>".utf8))).code == .upstreamOverloaded)
    }

    @Test("Findings of the censor stay with the answer, and are the reason for its end")
    func findings() throws {
        let body =
            #"{"id":"05","created":1,"choices":[{"finish_reason":"stop","message":{"content":"某"}}],"output_sensitive":true,"output_sensitive_type":1,"input_sensitive":false,"base_resp":{"status_code":1027}}"#
        let root = try JSONDocument(parsing: try miniMax.translateAnswer(Array(body.utf8), to: job()).body).root
        #expect(root["choices"]?[0]?["finish_reason"]?.string == "content_filter")
        #expect(root["output_sensitive"]?.bool == true && root["output_sensitive_type"]?.int == 1)
        #expect(root["input_sensitive"] == nil)
        let late = #"{"id":"05","choices":[],"output_sensitive":true,"usage":{"total_tokens":2}}"#
        #expect(try deltas(run(events(Self.delta(#""content":"某""#), Self.ended, late))).finish == ["content_filter"])
    }

    @Test("What came before a cut is counted")
    func countedCut() throws {
        let counted = #"{"id":"05","choices":[],"usage":{"total_tokens":5,"prompt_tokens":3,"completion_tokens":2}}"#
        let run = try run(events(Self.delta(#""content":"a""#), counted))
        #expect(run.failure == .upstreamCut && run.usage == TokenUsage(prompt: 3, completion: 2))
    }

    @Test(
        "Members of the wrong kind do no harm",
        arguments: [
            #"{"id":7,"model":[],"created":"x","choices":{"0":1},"usage":[]}"#, #"{"choices":[1,2]}"#,
            #"{"choices":[{"delta":{"content":3,"reasoning_details":"x","tool_calls":{}}}]}"#,
            #"{"choices":[{"message":[]}],"base_resp":[]}"#, #"{"choices":[{"delta":{},"finish_reason":4}]}"#,
        ]
    )
    func wrongKinds(chunk: String) throws {
        let run = try run(events(chunk))
        #expect(run.failure == .upstreamCut && run.text.isEmpty)
    }

    @Test("A call without a name is garbage")
    func nameless() throws {
        let stream = events(Self.delta(#""tool_calls":[{"index":0,"function":{"arguments":"{}"}}]"#))
        #expect(try run(stream).failure == .upstreamInvalid)
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
