import Core
import JSON
import OpenAIAPI
import Testing

/// A request that is to be refused, and what is to be said about it.
struct Refusal: Sendable, CustomTestStringConvertible {
    let body: String
    let parameter: String?
    let code: GatewayError.Code

    init(_ body: String, _ parameter: String?, _ code: GatewayError.Code = .invalidRequest) {
        (self.body, self.parameter, self.code) = (body, parameter, code)
    }

    /// A chat request with one member more.
    static func chat(_ member: String, _ parameter: String, _ code: GatewayError.Code = .invalidRequest) -> Refusal {
        Refusal(#"{"model":"m","messages":[{"role":"user","content":"x"}],"# + member + "}", parameter, code)
    }

    /// A chat request of these messages.
    static func messages(_ list: String, _ parameter: String, _ code: GatewayError.Code = .invalidRequest) -> Refusal {
        Refusal(#"{"model":"m","messages":[{"role":"user","content":"x"},"# + list + "]}", parameter, code)
    }

    var testDescription: String { body }
}

@Suite("Model requests")
struct ModelRequestTests {
    @Test(
        "What some upstream may understand is taken",
        arguments: [
            #"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#,
            #"{"model":"m","messages":[{"role":"developer","content":"a"},{"role":"system","content":[]}]}"#,
            #"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"new"}]}]}"#,
            #"{"model":"m","messages":[{"role":"assistant","content":null,"tool_calls":[]},{"role":"function"}]}"#,
            #"{"model":"m","messages":[{"role":"tool","tool_call_id":"1","content":"42"}],"future":{"a":[1]}}"#,
            #"{"model":"m","messages":[{"role":"user","content":""}],"temperature":9.5e1,"max_tokens":-1,"n":128}"#,
            #"{"model":"m","messages":[{"role":"user","content":"x"}],"stream":null,"stop":null,"tools":null}"#,
            #"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"custom"},{"type":"function","#
                + #""function":{"name":"f"}}],"stop":["a"],"response_format":{"type":"text"}}"#,
            #"{"model":"m","messages":[{"role":"user","content":"x"}],"stream":true,"stream_options":{"new":1}}"#,
            #"{"model":"m","messages":[{"role":"user","content":"x"}],"seed":123456789012345678901234567890}"#,
            #"{"model":"m","messages":[{"role":"user","content":"x"}],"stream":false,"stream_options":{}}"#,
            " \n{\"model\" : \"m\" , \"messages\":[{\"role\":\"us\\u0065r\",\"content\":\"x\"}]}\n",
        ]
    )
    func acceptsChat(_ body: String) throws {
        let request = try ModelRequest(.chat, body: Array(body.utf8))
        #expect(request.model == "m")
        #expect(request.document.source == Array(body.utf8))
    }

    @Test(
        "A chat that makes no sense is refused, and the parameter at fault is named",
        arguments: [
            Refusal("", nil, .invalidJSON),
            Refusal("{", nil, .invalidJSON),
            Refusal(#"{"model":"m",}"#, nil, .invalidJSON),
            Refusal("{\"model\":\"\u{1}\"}", nil, .invalidJSON),
            Refusal("[]", nil),
            Refusal(#""text""#, nil),
            Refusal("{}", "model", .missingParameter),
            Refusal(#"{"model":null}"#, "model", .missingParameter),
            Refusal(#"{"model":7}"#, "model"),
            Refusal(#"{"model":""}"#, "model"),
            Refusal(#"{"model":"\#(String(repeating: "m", count: 513))"}"#, "model"),
            Refusal(#"{"model":"m"}"#, "messages", .missingParameter),
            Refusal(#"{"model":"m","messages":"hi"}"#, "messages"),
            Refusal(#"{"model":"m","messages":[]}"#, "messages"),
            .messages("7", "messages[1]"),
            .messages("{}", "messages[1].role", .missingParameter),
            .messages(#"{"role":1,"content":"x"}"#, "messages[1].role"),
            .messages(#"{"role":"owner","content":"x"}"#, "messages[1].role"),
            .messages(#"{"role":"user"}"#, "messages[1].content", .missingParameter),
            .messages(#"{"role":"tool","content":null}"#, "messages[1].content", .missingParameter),
            .messages(#"{"role":"user","content":7}"#, "messages[1].content"),
            .messages(#"{"role":"user","content":{"type":"text"}}"#, "messages[1].content"),
            .messages(#"{"role":"user","content":[{"type":"text"},"x"]}"#, "messages[1].content[1]"),
            .messages(#"{"role":"user","content":[{"text":"x"}]}"#, "messages[1].content[0]"),
            .chat(#""stream":"yes""#, "stream"),
            .chat(#""stream":1"#, "stream"),
            .chat(#""stream":true,"stream_options":true"#, "stream_options"),
            .chat(#""stream":true,"stream_options":{"include_usage":"yes"}"#, "stream_options.include_usage"),
            .chat(#""temperature":"hot""#, "temperature"),
            .chat(#""top_p":[]"#, "top_p"),
            .chat(#""frequency_penalty":true"#, "frequency_penalty"),
            .chat(#""presence_penalty":"0""#, "presence_penalty"),
            .chat(#""max_tokens":1.5"#, "max_tokens"),
            .chat(#""max_completion_tokens":1e3"#, "max_completion_tokens"),
            .chat(#""n":"2""#, "n"),
            .chat(#""seed":{}"#, "seed"),
            .chat(#""top_logprobs":1.0"#, "top_logprobs"),
            .chat(#""stop":7"#, "stop"),
            .chat(#""response_format":"json_object""#, "response_format"),
            .chat(#""response_format":{}"#, "response_format"),
            .chat(#""tools":{}"#, "tools"),
            .chat(#""tools":["f"]"#, "tools[0]"),
            .chat(#""tools":[{"type":"custom"},{"function":{"name":"f"}}]"#, "tools[1]"),
            .chat(#""tools":[{"type":"function"}]"#, "tools[0].function.name", .missingParameter),
            .chat(#""tools":[{"type":"function","function":{"name":1}}]"#, "tools[0].function.name", .missingParameter),
        ]
    )
    func refusesChat(_ refusal: Refusal) {
        refuses(refusal, .chat)
    }

    @Test(
        "Embeddings and completions are refused likewise",
        arguments: [
            (ModelRequest.Operation.completion, Refusal(#"{"model":"m"}"#, "prompt", .missingParameter)),
            (.embedding, Refusal(#"{"model":"m"}"#, "input", .missingParameter)),
            (.embedding, Refusal(#"{"model":"m","input":""}"#, "input")),
            (.embedding, Refusal(#"{"model":"m","input":[]}"#, "input")),
            (.embedding, Refusal(#"{"model":"m","input":{}}"#, "input")),
            (.embedding, Refusal(#"{"model":"m","input":7}"#, "input")),
            (.embedding, Refusal(#"{"model":"m","input":"x","encoding_format":"hex"}"#, "encoding_format")),
            (.embedding, Refusal(#"{"model":"m","input":"x","encoding_format":1}"#, "encoding_format")),
            (.embedding, Refusal(#"{"model":"m","input":"x","dimensions":0}"#, "dimensions")),
            (.embedding, Refusal(#"{"model":"m","input":"x","dimensions":"8"}"#, "dimensions")),
        ]
    )
    func refusesOthers(_ operation: ModelRequest.Operation, _ refusal: Refusal) {
        refuses(refusal, operation)
    }

    @Test(
        "Embeddings take texts, lists and tokens",
        arguments: [#""x""#, #"["x","y"]"#, "[1,2]", "[[1],[2]]", #""x","encoding_format":"base64","dimensions":1"#]
    )
    func acceptsEmbeddings(_ input: String) throws {
        let body = #"{"model":"m","input":\#(input)}"#
        #expect(try ModelRequest(.embedding, body: Array(body.utf8)).operation == .embedding)
    }

    @Test(
        "Usage is wanted only by those who say so",
        arguments: [
            ("", false, false), (#","stream":true"#, true, false),
            (#","stream":true,"stream_options":null"#, true, false),
            (#","stream":true,"stream_options":{}"#, true, false),
            (#","stream":true,"stream_options":{"include_usage":null}"#, true, false),
            (#","stream":true,"stream_options":{"include_usage":false}"#, true, false),
            (#","stream":true,"stream_options":{"include_usage":true}"#, true, true),
        ]
    )
    func wantsUsage(_ members: String, _ streams: Bool, _ wantsUsage: Bool) throws {
        let body = #"{"model":"m","prompt":"x"\#(members)}"#
        let request = try ModelRequest(.completion, body: Array(body.utf8))
        #expect(request.streams == streams)
        #expect(request.wantsUsage == wantsUsage)
    }

    @Test("What is wrong with the JSON is told once, with its place and without its text")
    func syntaxMessage() {
        let error = #expect(throws: GatewayError.self) {
            try ModelRequest(.chat, body: Array(#"{"model":secret}"#.utf8))
        }
        #expect(error?.message == "The request body is not valid JSON: unexpected character at byte 9.")
    }

    @Test("JSON that is valid but more than we hold is not called invalid")
    func limits() {
        let deep = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
        let error = #expect(throws: GatewayError.self) {
            try ModelRequest(.chat, body: Array(#"{"model":"m","messages":\#(deep)}"#.utf8))
        }
        #expect(error?.code == .invalidJSON)
        #expect(
            error?.message.hasPrefix("The request body cannot be read: values are nested too deeply at byte ") == true
        )
    }

    private func refuses(_ refusal: Refusal, _ operation: ModelRequest.Operation) {
        let error = #expect(throws: GatewayError.self) {
            try ModelRequest(operation, body: Array(refusal.body.utf8))
        }
        #expect(error?.parameter == refusal.parameter)
        #expect(error?.code == refusal.code)
        #expect(error?.source == .client)
        #expect(error?.retry == .no)
    }
}
