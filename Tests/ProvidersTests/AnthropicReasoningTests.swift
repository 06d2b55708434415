import Core
import OpenAIAPI
import Providers
import Testing

/// What the vendor wants back with the results of tool calls, and where it comes from.
@Suite("Anthropic's reasoning between turns")
struct AnthropicReasoningTests {
    private static let call =
        #""tool_calls":[{"id":"toolu_1","type":"function","function":{"name":"f","arguments":"{}"}}]"#
    private static let thought = #"{"type":"thinking","thinking":"hm\n","signature":"Sig=="}"#
    private static let hidden = #"{"type":"redacted_thinking","data":"abc"}"#
    private static let use = #"{"type":"tool_use","id":"toolu_1","name":"f","input":{}}"#

    private func messages(_ members: String) -> String {
        #"[{"role":"user","content":"x"},{"role":"assistant",\#(members)},{"role":"tool","tool_call_id":"toolu_1","content":"r"}]"#
    }

    private func assistant(_ members: String, kept: [String: String] = [:]) throws -> String {
        let body = try anthropicBody(anthropicJob(messages: messages(members), kept: kept))
        let start = try #require(body.firstRange(of: #"{"role":"assistant","content":["#)?.upperBound)
        let end = try #require(body.firstRange(of: #"]},{"role":"user","content":[{"type":"tool_result""#)?.lowerBound)
        return String(body[start..<end])
    }

    private func wanted(_ members: String, model: String = "claude-sonnet-4-5") throws -> [String] {
        anthropic.needs(of: try anthropicJob(messages: messages(members)).request, model: model).calls
    }

    @Test("What the client carries goes back in place and nothing is looked up")
    func carried() throws {
        let members = #""content":"t","thinking_blocks":[\#(Self.thought),\#(Self.hidden)],\#(Self.call)"#
        #expect(try wanted(members) == [])
        #expect(
            try assistant(members, kept: ["toolu_1": "[\(Self.hidden)]"])
                == #"\#(Self.thought),\#(Self.hidden),{"type":"text","text":"t"},\#(Self.use)"#
        )
    }

    @Test("A signature of a stream finds its text beside it")
    func streamed() throws {
        let block = #"{"index":0,"type":"thinking","signature":"Sig=="}"#
        let members = #""content":null,"reasoning_content":"hm\n","thinking_blocks":[\#(block)],\#(Self.call)"#
        #expect(try wanted(members) == [])
        #expect(try assistant(members) == "\(Self.thought),\(Self.use)")
        // Of two texts in one nobody can tell where the cut was.
        let two = #""content":null,"reasoning_content":"hm\n","thinking_blocks":[\#(block),\#(block)],\#(Self.call)"#
        #expect(try wanted(two) == ["toolu_1"])
    }

    @Test("Blocks among the parts of the content count as well")
    func inContent() throws {
        let members = #""content":[\#(Self.thought),{"type":"text","text":"t"}],\#(Self.call)"#
        #expect(try wanted(members) == [])
        #expect(try assistant(members) == #"\#(Self.thought),{"type":"text","text":"t"},\#(Self.use)"#)
    }

    @Test(
        "What is no whole block is looked up",
        arguments: [
            "", #""thinking_blocks":[],"#, #""thinking_blocks":[{"type":"thinking","thinking":"a","signature":""}],"#,
            #""thinking_blocks":[{"type":"redacted_thinking"}],"#, #""thinking_blocks":"x","#,
            #""reasoning_content":"hm","#,
        ]
    )
    func lacking(_ members: String) throws {
        #expect(try wanted(#""content":"t",\#(members)\#(Self.call)"#) == ["toolu_1"])
        #expect(try wanted(#""content":"t",\#(members)\#(Self.call)"#, model: "claude-3-5-haiku-20241022") == [])
        #expect(
            try assistant(#""content":"t",\#(members)\#(Self.call)"#, kept: ["toolu_1": "[\(Self.thought)]"])
                == #"\#(Self.thought),{"type":"text","text":"t"},\#(Self.use)"#
        )
        #expect(
            try assistant(#""content":"t",\#(members)\#(Self.call)"#) == #"{"type":"text","text":"t"},\#(Self.use)"#
        )
    }

    @Test("Thinking between texts goes back between them, unless the client has changed them")
    func woven() throws {
        let state =
            #"[{"type":"text","text":"a"},\#(Self.thought),{"type":"text","text":"b"},{"type":"tool_use","id":"toolu_1"}]"#
        #expect(
            try assistant(#""content":"ab",\#(Self.call)"#, kept: ["toolu_1": state])
                == #"{"type":"text","text":"a"},\#(Self.thought),{"type":"text","text":"b"},\#(Self.use)"#
        )
        #expect(
            try assistant(#""content":"ax",\#(Self.call)"#, kept: ["toolu_1": state])
                == #"{"type":"text","text":"ax"},\#(Self.use)"#
        )
    }

    @Test("What is kept and makes no sense is as good as nothing", arguments: ["", "{", "7", #"{"a":1}"#, "[1,null]"])
    func broken(_ state: String) throws {
        #expect(
            try assistant(#""content":"t",\#(Self.call)"#, kept: ["toolu_1": state])
                == #"{"type":"text","text":"t"},\#(Self.use)"#
        )
    }

    @Test("With a budget, results of calls whose reasoning is lost are answered without thinking")
    func unthought() throws {
        let given = messages(#""content":"t",\#(Self.call)"#)
        let members = #","reasoning_effort":"low""#
        #expect(!(try anthropicBody(anthropicJob(members, messages: given)).contains("budget_tokens")))
        let kept = ["toolu_1": "[\(Self.thought)]"]
        #expect(try anthropicBody(anthropicJob(members, messages: given, kept: kept)).contains("budget_tokens"))
    }
}
