import Core
import Dialects
import JSON
import OpenAIAPI
import Testing

@Suite("Anthropic's Messages as a client's dialect")
struct MessagesTests {
    private func chat(_ members: String, needsLimit: Bool = true) throws -> JSONValue {
        let limit = needsLimit ? #""max_tokens":9,"# : ""
        return try MessagesDialect.request(Array(#"{"model":"m",\#(limit)\#(members)}"#.utf8)).document.root
    }

    private func written(_ deltas: [String], finish: String = "stop") throws -> [JSONValue] {
        var writer = MessagesDialect(id: "1", model: "m").makeStreamWriter()
        let parser = JSONParser()
        var output = ByteBuffer()
        for delta in deltas {
            let chunk = #"data: {"choices":[{"index":0,"delta":\#(delta),"finish_reason":null}]}"# + "\n\n"
            writer.receive(Array(chunk.utf8)[...], parser: parser, into: &output)
        }
        let last =
            #"data: {"choices":[{"index":0,"delta":{},"finish_reason":"\#(finish)"}]}"# + "\n\n"
            + #"data: {"choices":[],"usage":{"prompt_tokens":421,"completion_tokens":57,"prompt_tokens_details":{"cached_tokens":300}}}"#
            + "\n\n"
        writer.receive(Array(last.utf8)[...], parser: parser, into: &output)
        writer.end(into: &output)
        return try String(decoding: output.readable, as: UTF8.self).split(separator: "\n").filter {
            $0.hasPrefix("data: ")
        }
        .map { try JSONDocument(parsing: Array($0.dropFirst(6).utf8)).root }
    }

    private func shape(_ events: [JSONValue]) -> [String] {
        events.map { event in
            let type = event["type"]?.string ?? ""
            let index = event["index"]?.int.map { " \($0)" } ?? ""
            let detail = event["delta"]?["type"]?.string ?? event["content_block"]?["type"]?.string
            return type + index + (detail.map { " " + $0 } ?? "")
        }
    }

    @Test("Thoughts, their signature, text and calls become blocks one after the other")
    func blocks() throws {
        let events = try written(
            [
                #"{"role":"assistant","content":""}"#, #"{"reasoning_content":"hm"}"#,
                #"{"thinking_blocks":[{"type":"thinking","thinking":"","signature":"sig"}]}"#,
                #"{"thinking_blocks":[{"type":"redacted_thinking","data":"xyz"}]}"#, #"{"content":"a"}"#,
                #"{"tool_calls":[{"index":0,"id":"c0","type":"function","function":{"name":"f","arguments":""}}]}"#,
                #"{"tool_calls":[{"index":1,"id":"c1","type":"function","function":{"name":"g","arguments":"{"}}]}"#,
                // Pieces of several calls may come in any order.
                #"{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}"#,
                #"{"tool_calls":[{"index":1,"function":{"arguments":"}"}}]}"#,
            ],
            finish: "tool_calls"
        )
        #expect(
            shape(events) == [
                "message_start", "content_block_start 0 thinking", "content_block_delta 0 thinking_delta",
                "content_block_delta 0 signature_delta", "content_block_stop 0",
                "content_block_start 1 redacted_thinking", "content_block_stop 1", "content_block_start 2 text",
                "content_block_delta 2 text_delta", "content_block_stop 2", "content_block_start 3 tool_use",
                "content_block_start 4 tool_use", "content_block_delta 4 input_json_delta",
                "content_block_delta 3 input_json_delta", "content_block_delta 4 input_json_delta",
                "content_block_stop 3", "content_block_stop 4", "message_delta", "message_stop",
            ]
        )
        let end = events[events.count - 2]
        #expect(end["delta"]?["stop_reason"]?.string == "tool_use")
        #expect(end["usage"]?["input_tokens"]?.int == 121 && end["usage"]?["cache_read_input_tokens"]?.int == 300)
    }

    @Test("Results of tools become messages before what else was said; thoughts go back as they came")
    func results() throws {
        let root = try chat(
            #"""
            "messages":[
              {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"tool_use","id":"c","name":"f","input":{"a":1.0}}]},
              {"role":"user","content":[{"type":"text","text":"t","cache_control":{"type":"ephemeral"}},{"type":"tool_result","tool_use_id":"c","is_error":true,"content":"no"}]}]
            """#
        )
        let messages = Array(try #require(root["messages"]).elements)
        #expect(messages.map { $0["role"]?.string } == ["assistant", "tool", "user"])
        #expect(messages[0]["tool_calls"]?[0]?["function"]?["arguments"]?.string == #"{"a":1.0}"#)
        #expect(messages[0]["thinking_blocks"]?[0]?["signature"]?.string == "s")
        #expect(messages[0]["content"]?.isNull == true)
        #expect(messages[1]["is_error"]?.bool == true && messages[1]["content"]?.string == "no")
        #expect(messages[2]["content"]?[0]?["cache_control"]?["type"]?.string == "ephemeral")
    }

    @Test("Numbers and the vendor's own parameters pass untouched")
    func untouched() throws {
        let root = try chat(
            #""temperature":1e-7,"top_k":5,"thinking":{"type":"adaptive"},"messages":[{"role":"user","content":"x"}]"#
        )
        #expect(root["temperature"].map { String(decoding: $0.raw, as: UTF8.self) } == "1e-7")
        #expect(root["top_k"]?.int == 5 && root["thinking"]?["type"]?.string == "adaptive")
    }

    @Test(
        "What cannot be meant is refused with its place",
        arguments: [
            (#""messages":5"#, "messages"), (#""messages":[{"role":"user"}]"#, "messages[0]"),
            (
                #""messages":[{"role":"user","content":[{"type":"image","source":{"type":"file"}}]}]"#,
                "messages[0].content[0].source"
            ),
            (#""messages":[{"role":"user","content":[{"type":"server_tool_use"}]}]"#, "messages[0].content[0]"),
            (#""messages":[{"role":"user","content":"x"}],"tool_choice":{"type":"some"}"#, "tool_choice.type"),
            (#""messages":[{"role":"user","content":"x"}],"tools":[{"input_schema":{}}]"#, "tools[0].name"),
        ]
    )
    func refused(members: String, parameter: String) {
        let error = #expect(throws: GatewayError.self) { try chat(members) }
        #expect(error?.parameter == parameter)
    }

    @Test(
        "The vendor's own reason stands where Anthropic answered",
        arguments: [
            (
                #""finish_reason":"stop","native_finish_reason":"stop_sequence","stop_sequence":"END""#,
                "stop_sequence", "END"
            ),
            (#""finish_reason":"stop","native_finish_reason":"pause_turn""#, "pause_turn", nil),
            (#""finish_reason":"length","native_finish_reason":"MAX_TOKENS""#, "max_tokens", nil),
            (#""finish_reason":"tool_calls""#, "tool_use", nil), (#""finish_reason":"content_filter""#, "refusal", nil),
        ] as [(String, String, String?)]
    )
    func ends(members: String, reason: String, sequence: String?) throws {
        let dialect = MessagesDialect(id: "1", model: "m")
        let completion = #"{"choices":[{"message":{"content":"x"},\#(members)}]}"#
        let whole = try JSONDocument(parsing: dialect.answer(Array(completion.utf8))).root
        #expect(whole["stop_reason"]?.string == reason && whole["stop_sequence"]?.string == sequence)
        var writer = dialect.makeStreamWriter()
        var output = ByteBuffer()
        let chunk = #"data: {"choices":[{"delta":{},\#(members)}]}"# + "\n\n"
        writer.receive(Array(chunk.utf8)[...], parser: JSONParser(), into: &output)
        writer.end(into: &output)
        let text = String(decoding: output.readable, as: UTF8.self)
        #expect(
            text.contains(#""stop_reason":"\#(reason)","stop_sequence":"# + (sequence.map { "\"\($0)\"" } ?? "null"))
        )
    }

    @Test("A limit is required, unless tokens are only counted")
    func limit() throws {
        let message = #""messages":[{"role":"user","content":"x"}]"#
        #expect(throws: GatewayError.self) { try chat(message, needsLimit: false) }
        #expect(throws: Never.self) { try MessagesDialect.request(counting: Array(#"{"model":"m",\#(message)}"#.utf8)) }
    }
}
