import Core
import Dialects
import JSON
import OpenAIAPI
import Testing

@Suite("OpenAI's Responses as a client's dialect")
struct ResponsesTests {
    private func request(_ members: String) throws -> ResponsesRequest {
        try ResponsesRequest(Array(#"{"model":"m",\#(members)}"#.utf8))
    }

    @Test("Items of one turn become one message of chat, reasoning and calls included")
    func items() throws {
        let chat = try request(
            #"""
            "input":[{"role":"user","content":"q"},
              {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}]},
              {"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]},
              {"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},
              {"type":"function_call","call_id":"c2","name":"f","arguments":"{}"},
              {"type":"function_call_output","call_id":"c1","output":[{"type":"input_text","text":"r"}]},
              {"type":"function_call_output","call_id":"c2","output":"s"}]
            """#
        ).chat(history: nil).document.root
        let messages = Array(try #require(chat["messages"]).elements)
        #expect(messages.map { $0["role"]?.string } == ["user", "assistant", "tool", "tool"])
        #expect(messages[1]["content"]?.string == "a" && messages[1]["reasoning_content"]?.string == "hm")
        #expect(messages[1]["tool_calls"]?.count == 2)
        #expect(messages[2]["content"]?[0]?["text"]?.string == "r")
    }

    @Test("A stored answer brings its whole conversation, and signed thoughts come back as blocks")
    func history() throws {
        let first = try request(#""input":"one","instructions":"rule""#)
        let dialect = ResponsesDialect(first, id: "1", created: 7, history: nil)
        let completion = #"""
            {"choices":[{"index":0,"message":{"role":"assistant","content":"two","reasoning_content":"hm",
             "thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"s"}]},"finish_reason":"stop"}]}
            """#
        let answer = try dialect.answer(Array(completion.utf8))
        let stored = try #require(dialect.record(of: answer))
        #expect(stored.id == "resp_1")
        #expect(ResponsesRecord.response(stored.record) == answer)
        let chat = try request(#""input":"three","previous_response_id":"resp_1""#).chat(history: stored.record)
        let messages = Array(try #require(chat.document.root["messages"]).elements)
        #expect(messages.map { $0["role"]?.string } == ["user", "assistant", "user"])
        #expect(messages[1]["thinking_blocks"]?[0]?["signature"]?.string == "s")
    }

    @Test("What shall not be kept is not")
    func forgotten() throws {
        let dialect = ResponsesDialect(try request(#""input":"x","store":false"#), id: "1", created: 7, history: nil)
        let answer = try dialect.answer(
            Array(#"{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}"#.utf8)
        )
        #expect(dialect.record(of: answer) == nil)
    }

    @Test("The end of a stream is the whole answer that would have come at once")
    func sameAnswer() throws {
        let asked = try request(#""input":"x","stream":true"#)
        let dialect = ResponsesDialect(asked, id: "1", created: 7, history: nil)
        var writer = dialect.makeStreamWriter()
        var output = ByteBuffer()
        let chunks = [
            #"{"role":"assistant","content":""}"#, #"{"content":"a\n"}"#, #"{"content":"b"}"#,
            #"{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":""}}]}"#,
        ]
        for delta in chunks {
            let chunk = #"data: {"choices":[{"index":0,"delta":\#(delta),"finish_reason":null}]}"# + "\n\n"
            writer.receive(Array(chunk.utf8)[...], parser: JSONParser(), into: &output)
        }
        writer.end(into: &output)
        let whole = #"""
            {"choices":[{"message":{"content":"a\nb","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"stop"}]}
            """#
        #expect(writer.wholeAnswer == (try dialect.answer(Array(whole.utf8))))
    }
}
