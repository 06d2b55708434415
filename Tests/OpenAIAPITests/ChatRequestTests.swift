import Core
import JSON
import OpenAIAPI
import Testing

@Suite("Chat requests read for providers of another dialect")
struct ChatRequestTests {
    private func chat(_ members: String, messages: String = #"[{"role":"user","content":"x"}]"#) throws -> ChatRequest {
        let body = #"{"model":"m","messages":\#(messages)\#(members.isEmpty ? "" : "," + members)}"#
        return try ChatRequest(ModelRequest(.chat, body: Array(body.utf8)))
    }

    @Test("Roles, parts, calls and results keep what they were read from")
    func messages() throws {
        let request = try chat(
            "",
            messages: """
                [{"role":"developer","content":"be brief"},
                 {"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"https://x/y","detail":"low"}},
                   {"type":"file","file":{"file_data":"data:application/pdf;base64,QQ==","filename":"f.pdf"}},{"type":"odd","x":1}]},
                 {"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":" "}}]},
                 {"role":"tool","tool_call_id":"c1","content":"42"}]
                """
        )
        #expect(request.messages.map(\.role) == [.system, .user, .assistant, .tool])
        #expect(request.messages[1].parts.count == 4)
        guard case .image("https://x/y", "low") = request.messages[1].parts[1].kind,
            case .file(let file) = request.messages[1].parts[2].kind,
            case .other("odd") = request.messages[1].parts[3].kind
        else {
            Issue.record("parts are read wrongly")
            return
        }
        #expect(file.name == "f.pdf")
        #expect(request.messages[1].parts[1].path == "messages[1].content[1]")
        #expect(request.messages[2].reasoning?.string == "hm")
        #expect(request.messages[2].toolCalls[0].argumentsObject == Array("{}".utf8))
        #expect(request.messages[3].toolCallID == "c1")
        #expect(request.functionName(ofCall: "c1") == "f")
        #expect(request.functionName(ofCall: "c2") == nil)
    }

    @Test(
        "What cannot be meant is refused with its place",
        arguments: [
            (#""tools":[{"type":"custom","custom":{"name":"x"}}]"#, "tools[0].type"),
            (#""tool_choice":"sometimes""#, "tool_choice"),
            (#""tool_choice":{"type":"function"}"#, "tool_choice.function.name"),
            (#""response_format":{"type":"json_schema"}"#, "response_format.json_schema.schema"),
            (#""reasoning_effort":"a lot""#, "reasoning_effort"),
            (#""max_tokens":0"#, "max_tokens"),
            (#""n":0"#, "n"),
            (#""stop":[1]"#, "stop"),
        ]
    )
    func refused(members: String, parameter: String) throws {
        let error = #expect(throws: GatewayError.self) { try chat(members) }
        #expect(error?.parameter == parameter)
    }

    @Test("The old functions are tools, and remembered as the client's words")
    func functions() throws {
        let request = try chat(#""functions":[{"name":"f"}],"function_call":{"name":"f"}"#)
        #expect(request.tools.map(\.name) == ["f"] && request.usesFunctions)
        #expect(request.toolChoice == .function("f"))
    }

    @Test(
        "Data URLs",
        arguments: [
            ("data:image/jpg;base64,QQ==", "image/jpeg"), ("data:;base64,", "text/plain"),
            ("DATA:Application/PDF;name=a.pdf;BASE64,QQ==", "application/pdf"), ("data:text/plain,hello", nil),
            ("https://x/y", nil), ("data:image/png;base64,Q Q", nil),
        ] as [(String, String?)]
    )
    func dataURLs(text: String, type: String?) {
        #expect(DataURL(text)?.mediaType == type)
    }
}
