import Providers
import Testing

@Suite("What Grok does besides speaking")
struct GrokStepTests {
    private static func card(_ tool: String, _ arguments: String, rollout: String = "") -> String {
        let name = rollout.isEmpty ? "" : #","rolloutId":"\#(rollout)""#
        return flat(
            #""token":"<xai:tool_usage_card>","isThinking":true,"messageTag":"tool_usage_card"\#(name),"toolUsageCard":{"toolUsageCardId":"c","\#(tool)":{"args":\#(arguments)}}"#
        )
    }

    private static func result(_ members: String) -> String {
        flat(#""token":"","isThinking":true,"messageTag":"raw_function_result",\#(members)"#)
    }

    private static let frames = [
        card("webSearch", #"{"query":"swift"}"#, rollout: "Grok"),
        result(#""webSearchResults":{"results":[{"url":"https://example.org/a"},{"url":"https://example.org/b"}]}"#),
        card("xKeywordSearch", #"{"query":"tests"}"#), result(#""xSearchResults":{"results":[{}]}"#),
        card("browsePage", #"{"url":"https://example.org/a","instructions":"x"}"#),
        card("codeExecution", #"{"code":"x = 1\nprint(x)"}"#),
        result(#""codeExecutionResult":{"stdout":"1\n","stderr":"","exitCode":0}"#),
        card("codeExecution", #"{"code":"1/0"}"#),
        result(#""codeExecutionResult":{"stdout":"","stderr":"Traceback:\nZeroDivisionError\n","exitCode":1}"#),
        card("chatroomSend", #"{"to":"Agent 1","message":"hello"}"#, rollout: "Agent 2"),
        card("viewImage", "{}"), flat(#""webSearchResults":{"results":[{},{},{}]}"#), said("ok"),
    ]

    @Test("Lines in English")
    func english() async throws {
        let run = try await grokRead(Self.frames.joined(separator: "\n"))
        #expect(
            run.reasoning == """
                [Grok] 🔍 Search: swift
                📄 Found 2 results
                🔍 Search: tests
                📄 Found 1 result
                🌐 Browse: https://example.org/a
                💻 Run code: x = 1 ...
                ✅ Code ran: 1
                💻 Run code: 1/0
                ❌ Code failed: ZeroDivisionError
                [Agent 2] 💬 → Agent 1: hello
                🔧 viewImage
                📄 Found 3 results

                """
        )
        #expect(run.text == "ok")
    }

    @Test("Lines in Chinese, and none")
    func chinese() async throws {
        let run = try await grokRead(Self.frames.joined(separator: "\n"), variables: ["GROK_LABELS": "zh"])
        #expect(run.reasoning.hasPrefix("[Grok] 🔍 搜索: swift\n📄 找到 2 条结果\n"))
        #expect(run.reasoning.contains("❌ 执行失败: ZeroDivisionError"))
        let silent = try await grokRead(Self.frames.joined(separator: "\n"), variables: ["SHOW_SEARCH": "false"])
        #expect(silent.reasoning.isEmpty && silent.text == "ok")
    }

    @Test("A card in XML alone, whole and in pieces")
    func xml() async throws {
        let frame = { (token: String) in flat(#""token":"\#(token)","isThinking":true,"messageTag":"tool_usage_card""#)
        }
        let start = "<xai:tool_usage_card><xai:tool_name>web_search</xai:tool_name><xai:tool_args>"
        let end = #"<![CDATA[{\"query\":\"swift\"}]]></xai:tool_args></xai:tool_usage_card>"#
        #expect(try await grokRead(frame(start + end), said("ok")).reasoning == "🔍 Search: swift\n")
        #expect(
            try await grokRead(frame(start), frame(end), frame("<xai:"), said("ok")).reasoning == "🔍 Search: swift\n"
        )
    }

    @Test("Lines stand on lines of their own among thoughts")
    func amongThoughts() async throws {
        let run = try await grokRead(
            flat(#""token":"I look it up.","isThinking":true,"messageStepId":1"#),
            Self.card("webSearch", #"{"query":"swift"}"#),
            flat(#""token":"Found.","isThinking":true,"messageStepId":1"#),
            said("ok")
        )
        #expect(run.reasoning == "I look it up.\n🔍 Search: swift\nFound.")
    }
}
