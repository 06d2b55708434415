import Core
import JSON
import OpenAIAPI
import Providers
import Testing

@Suite("Whole answers of engines, and their errors")
struct EngineAnswerTests {
    private func answer(_ body: String) throws -> JSONValue {
        let answer = try huggingFace.translateAnswer(Array(body.utf8), to: try engineJob("vllm"))
        return try JSONDocument(parsing: answer.body).root
    }

    @Test("A tool call is put right: id, arguments, reason")
    func tools() throws {
        let root = try answer(
            #"{"id":"","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"0","#
                + #""type":"function","function":{"name":"f","arguments":{"a":1}}}]},"finish_reason":"stop"}]}"#
        )
        let choice = try #require(root["choices"]?[0])
        let call = try #require(choice["message"]?["tool_calls"]?[0])
        #expect(call["id"]?.string == "call_0000000000abc")
        #expect(call["function"]?["arguments"]?.string == #"{"a":1}"#)
        #expect(choice["finish_reason"]?.string == "tool_calls")
        #expect(root["id"]?.string == "chatcmpl-0000000000abc")
        #expect(root["model"]?.string == "org/m")
        #expect(root["created"]?.int == 1_700_000_000)
        #expect(root["object"]?.string == "chat.completion")
    }

    @Test("Reasoning by its new name, extra members, and an end by another word")
    func reasoning() throws {
        let root = try answer(
            #"{"id":"1","sla_metrics":{"a":1},"choices":[{"index":0,"message":{"role":"assistant","content":"b","#
                + #""reasoning":"a"},"finish_reason":"eos_token"}]}"#
        )
        let message = root["choices"]?[0]?["message"]
        #expect(message?["reasoning_content"]?.string == "a")
        #expect(message?["reasoning"] == nil)
        #expect(root["choices"]?[0]?["finish_reason"]?.string == "stop")
        #expect(root["sla_metrics"]?["a"]?.int == 1)
    }

    @Test(
        "An error with 200 is one",
        arguments: [#"{"object":"error","message":"x","code":500}"#, #"{"error":"x"}"#, "x"]
    )
    func errors(_ body: String) {
        #expect(throws: GatewayError.self) { try answer(body) }
    }

    private func failure(_ status: Int, _ body: String, retryAfter: String? = nil) -> GatewayError {
        huggingFace.failure(FailedAnswer(status: status, body: Array(body.utf8), retryAfter: retryAfter))
    }

    @Test("Loading is told with the time it will take")
    func loading() {
        let body = #"{"error":"Model org/m is currently loading","estimated_time":20.4}"#
        let hosted = failure(503, body)
        #expect(hosted.status == 503)
        #expect(hosted.retryAfter == 21)
        #expect(failure(503, body, retryAfter: "7").retryAfter == 7)
        let llama = failure(503, #"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#)
        #expect(llama.status == 503)
        #expect(llama.retryAfter ?? 0 > 0)
    }

    @Test(
        "Each engine's errors",
        arguments: [
            // TEI has no `error` around it.
            (422, #"{"message":"batch size 40 > maximum 32","code":422,"type":"Validation"}"#, 422),
            (429, #"{"message":"Model is overloaded","code":429,"type":"Overloaded"}"#, 429),
            (424, #"{"error":"Incomplete generation","error_type":"generation"}"#, 502),
            (400, #"{"error":{"message":"bad","type":"BadRequestError","param":null,"code":400}}"#, 400),
            (400, #"{"object":"error","message":"bad","type":"BadRequestError","code":400}"#, 400),
            (422, #"{"detail":"Unexpected fields in the request: {'x'}"}"#, 422),
            (500, "no such model", 502), (404, #"{"error":{"message":"no model","code":404}}"#, 404),
        ]
    )
    func failures(_ status: Int, _ body: String, _ expected: Int) {
        let error = failure(status, body)
        #expect(error.status == expected)
        #expect(error.upstreamCode == nil, "a number that repeats the status tells nothing")
    }

    @Test("The words of a client's own mistake are kept")
    func words() {
        let error = failure(422, #"{"message":"batch size 40 > maximum 32","code":422,"type":"Validation"}"#)
        #expect(error.message.contains("maximum 32"))
        let tools = failure(
            500,
            #"{"error":{"code":500,"message":"Cannot use tools with stream","type":"server_error"}}"#
        )
        #expect(tools.parameter == "tools" && tools.status == 400)
    }
}
