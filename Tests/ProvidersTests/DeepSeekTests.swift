import Core
import HTTPCodec
import JSON
import OpenAIAPI
import Providers
import Testing

/// What DeepSeek does otherwise on the way to calls of tools and to forms of answers.
@Suite("DeepSeek's tools, thoughts and forms")
struct DeepSeekTests {
    private static let call = #"{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}"#
    private static let tools = #","tools":[{"type":"function","function":{"name":"f"}}]"#

    private func job(
        _ members: String = "",
        messages: String = #"[{"role":"user","content":"x"}]"#,
        model: String = "deepseek-reasoner",
        drops: Bool = false,
        kept: [String: String] = [:]
    ) throws -> Job {
        let body = #"{"model":"deepseek/\#(model)","messages":\#(messages)\#(members)}"#
        var materials = Materials()
        for (call, state) in kept { materials.kept[call] = Array(state.utf8) }
        let request = try ModelRequest(.chat, body: Array(body.utf8))
        return Job(request, model: model, key: "sk-test", materials: materials, dropsUnsupported: drops)
    }

    private func sent(_ job: Job, by provider: DeepSeekProvider = deepSeek) throws -> JSONValue {
        guard case .upstream(let call) = try provider.translate(job) else {
            throw GatewayError(.internalError, "not one call")
        }
        return try JSONDocument(parsing: call.body).root
    }

    private static func turn(_ members: String = "") -> String {
        #"[{"role":"assistant","content":null,"tool_calls":[\#(call)]\#(members)},{"role":"tool","tool_call_id":"c1","content":"1"}]"#
    }

    @Test(
        "Thoughts come from the client, else from what was kept, else a blank stands for them",
        arguments: [
            (#","reasoning_content":"mine""#, #""kept\n""#, "mine", false), ("", #""kept\n""#, "kept\n", true),
            (#","reasoning_content":null"#, "", " ", true), (#","reasoning_content":"""#, "[1]", " ", true),
            ("", "{oops", " ", true), ("", #""""#, " ", true),
        ]
    )
    func thoughts(carried: String, kept: String, expected: String, isNeeded: Bool) throws {
        let job = try job(messages: Self.turn(carried), kept: ["c1": kept])
        #expect(deepSeek.needs(of: job.request, model: job.model).calls == (isNeeded ? ["c1"] : []))
        #expect(try sent(job)["messages"]?[0]?["reasoning_content"]?.string == expected)
    }

    @Test(
        "Where nobody thinks, no thoughts are looked for or made up",
        arguments: [
            ("deepseek-chat", ""), ("deepseek-reasoner", #","thinking":{"type":"disabled"}"#),
            ("deepseek-reasoner", #","reasoning_effort":"none""#),
        ]
    )
    func thoughtless(model: String, members: String) throws {
        let job = try job(members, messages: Self.turn(), model: model)
        #expect(deepSeek.needs(of: job.request, model: job.model).isEmpty)
        #expect(try sent(job)["messages"]?[0]?["reasoning_content"] == nil)
    }

    private static func chunk(_ delta: String, _ finish: String = "null") -> String {
        #"{"id":"d","choices":[{"index":0,"delta":\#(delta),"finish_reason":\#(finish)}]}"#
    }

    private static let stream = events(
        chunk(#"{"role":"assistant","content":null,"reasoning_content":""}"#),
        chunk(#"{"content":null,"reasoning_content":"用戶\n"}"#),
        chunk(#"{"content":null,"reasoning_content":"\"hm\""}"#),
        chunk(#"{"content":"a","reasoning_content":null}"#),
        chunk(#"{"content":"b","reasoning_content":null}"#),
        chunk(#"{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":""}}]}"#),
        chunk(#"{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}"#),
        chunk(#"{"tool_calls":[{"index":1,"id":"c2","type":"function","function":{"name":"f","arguments":"{}"}}]}"#),
        chunk(#"{"content":""}"#, #""tool_calls""#),
        "[DONE]"
    )

    @Test("A stream's thoughts are kept under the first call, and every chunk is as it came")
    func streamed() throws {
        let bytes = Array(Self.stream.utf8)
        let run = StreamRun.everyCut(bytes, of: try job(#","stream":true"# + Self.tools), with: deepSeek)
        #expect(run.isDone && run.text + "data: [DONE]\n\n" == Self.stream)
        #expect(run.kept == [KeptState(call: "c1", state: Array(#""用戶\n\"hm\"""#.utf8))])
        #expect(StreamRun([bytes[...]], of: try job(#","stream":true"#), with: deepSeek).kept.isEmpty)
        let chat = try job(#","stream":true"# + Self.tools, model: "deepseek-chat")
        #expect(StreamRun([bytes[...]], of: chat, with: deepSeek).kept.isEmpty)
        let cut = Array(Self.stream.utf8.dropLast(200))
        #expect(StreamRun([cut[...]], of: try job(#","stream":true"# + Self.tools), with: deepSeek).kept.isEmpty)
    }

    @Test("So are those of a whole answer, which stays as it came")
    func whole() throws {
        let body =
            #"{"choices":[{"message":{"role":"assistant","content":"","reasoning_content":"h\"m","tool_calls":[\#(Self.call)]},"finish_reason":"tool_calls"}]}"#
        let answer = try deepSeek.translateAnswer(Array(body.utf8), to: job(Self.tools))
        #expect(answer.body.text == body)
        #expect(answer.kept == [KeptState(call: "c1", state: Array(#""h\"m""#.utf8))])
        let silent = body.replacing(#""h\"m""#, with: "null")
        #expect(try deepSeek.translateAnswer(Array(silent.utf8), to: job(Self.tools)).kept.isEmpty)
    }

    @Test(
        "A call that is demanded stops the thinking that nobody asked for",
        arguments: [#""required""#, #"{"type":"function","function":{"name":"f"}}"#]
    )
    func demanded(choice: String) throws {
        let body = try sent(job(Self.tools + #","tool_choice":\#(choice)"#, messages: Self.turn()))
        #expect(body["thinking"]?["type"]?.string == "disabled")
        #expect(body["tool_choice"].map { String(decoding: $0.raw, as: UTF8.self) } == choice)
        #expect(body["messages"]?[0]?["reasoning_content"] == nil)
        let chat = try sent(job(Self.tools + #","tool_choice":\#(choice)"#, model: "deepseek-chat"))
        #expect(chat["thinking"] == nil)
        let asked = try job(Self.tools + #","tool_choice":\#(choice),"reasoning_effort":"low""#, drops: true)
        #expect(try sent(asked)["tool_choice"]?.string == "auto")
        #expect(try sent(asked)["thinking"]?["type"]?.string == "enabled")
    }

    @Test("Tools that it cannot have, or shall not call, are not offered")
    func offered() throws {
        let tools =
            #","tools":[{"type":"function","function":{"name":"f","strict":true}},{"type":"function","function":{"name":"g"}},{"type":"web_search"}]"#
        let allowed =
            #","tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"f"}}]}}"#
        let body = try sent(job(tools + allowed, drops: true))
        #expect(
            body["tools"].map { String(decoding: $0.raw, as: UTF8.self) }
                == #"[{"type":"function","function":{"name":"f"}}]"#
        )
        #expect(body["tool_choice"]?.string == "auto")
        let beta = DeepSeekProvider(streamURL: "http://upstream/beta", plainURL: nil)
        let strict = #","tools":[{"type":"function","function":{"name":"f","strict":true}}]"#
        #expect(try sent(job(strict), by: beta)["tools"]?[0]?["function"]?["strict"]?.bool == true)
    }

    @Test("A schema is told in words, and JSON demanded")
    func schema() throws {
        let form =
            #","response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object"}}}"#
        let body = try sent(job(form))
        #expect(body["response_format"].map { String(decoding: $0.raw, as: UTF8.self) } == #"{"type":"json_object"}"#)
        #expect(body["messages"]?.count == 2 && body["messages"]?[0]?["role"]?.string == "system")
        let hint = body["messages"]?[0]?["content"]?.string ?? ""
        #expect(hint.hasSuffix(#"JSON schema: {"type":"object"}"#))
        let error = #expect(throws: GatewayError.self) {
            try sent(job(#","response_format":{"type":"json_schema","json_schema":{}}"#))
        }
        #expect(error?.parameter == "response_format.json_schema.schema")
    }
}
