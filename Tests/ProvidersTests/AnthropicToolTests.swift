import Core
import OpenAIAPI
import Providers
import Testing

@Suite("Tools for Anthropic")
struct AnthropicToolTests {
    private static let f =
        #"{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{}}}}"#
    private static let g = #"{"type":"function","function":{"name":"g"}}"#
    private static let sentF = #"{"name":"f","description":"d","input_schema":{"type":"object","properties":{}}}"#
    private static let sentG = #"{"name":"g","input_schema":{"type":"object","properties":{}}}"#

    private func sent(_ members: String, model: String = "claude-sonnet-4-5", drops: Bool = false) throws -> String {
        let body = try anthropicBody(anthropicJob(members, model: model, drops: drops))
        let start = try #require(body.firstRange(of: #","tools":"#)?.lowerBound)
        return String(body[start...].dropLast())
    }

    private func refusal(_ members: String, model: String) throws -> GatewayError? {
        let job = try anthropicJob(members, model: model)
        return #expect(throws: GatewayError.self) { try anthropic.translate(job) }
    }

    @Test(
        "The choice in the vendor's words",
        arguments: [
            ("", ""), (#","tool_choice":"auto""#, #","tool_choice":{"type":"auto"}"#),
            (#","tool_choice":"none""#, #","tool_choice":{"type":"none"}"#),
            (#","tool_choice":"required""#, #","tool_choice":{"type":"any"}"#),
            (
                #","tool_choice":{"type":"function","function":{"name":"g"}}"#,
                #","tool_choice":{"type":"tool","name":"g"}"#
            ),
            (#","parallel_tool_calls":true"#, ""),
            (#","parallel_tool_calls":false"#, #","tool_choice":{"type":"auto","disable_parallel_tool_use":true}"#),
            (
                #","parallel_tool_calls":false,"tool_choice":"required""#,
                #","tool_choice":{"type":"any","disable_parallel_tool_use":true}"#
            ),
            (#","parallel_tool_calls":false,"tool_choice":"none""#, #","tool_choice":{"type":"none"}"#),
        ]
    )
    func choice(_ members: String, _ expected: String) throws {
        #expect(
            try sent(#","tools":[\#(Self.f),\#(Self.g)]\#(members)"#)
                == #","tools":[\#(Self.sentF),\#(Self.sentG)]\#(expected)"#
        )
    }

    @Test("Of allowed tools the others are not told")
    func allowed() throws {
        let choice =
            #","tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"g"}}]}}"#
        #expect(
            try sent(#","tools":[\#(Self.f),\#(Self.g)]\#(choice)"#)
                == #","tools":[\#(Self.sentG)],"tool_choice":{"type":"any"}"#
        )
    }

    @Test("Without tools there is no choice to make")
    func noTools() throws {
        let body = try anthropicBody(anthropicJob(#","tools":[],"tool_choice":"none","parallel_tool_calls":false"#))
        #expect(!body.contains("tool"))
    }

    @Test("The old functions are tools")
    func functions() throws {
        #expect(
            try sent(#","functions":[{"name":"g"}],"function_call":{"name":"g"}"#)
                == #","tools":[\#(Self.sentG)],"tool_choice":{"type":"tool","name":"g"}"#
        )
    }

    @Test("A schema is one of an object, and what else a tool says to this vendor goes along")
    func schema() throws {
        let tool =
            #"{"type":"function","cache_control":{"type":"ephemeral"},"function":{"name":"h","strict":true,"parameters":{"properties":{"a":{}}}}}"#
        #expect(
            try sent(#","tools":[\#(tool)]"#)
                == #","tools":[{"name":"h","input_schema":{"properties":{"a":{}},"type":"object"},"strict":true,"cache_control":{"type":"ephemeral"}}]"#
        )
        #expect(try refusal(#","tools":[\#(tool)]"#, model: "claude-sonnet-4-0")?.parameter == "tools")
    }

    @Test("A tool that is no function is refused")
    func custom() throws {
        let error = try refusal(#","tools":[{"type":"custom","custom":{"name":"c"}}]"#, model: "claude-sonnet-4-5")
        #expect(error?.parameter == "tools[0].type")
        #expect(error?.status == 400)
    }

    @Test(
        "A model that cannot be made to call is not told to, or told in words",
        arguments: ["claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1", "claude-mythos-5-2", "claude-new-9"]
    )
    func forced(_ model: String) throws {
        let members = #","tools":[\#(Self.g)],"tool_choice":{"type":"function","function":{"name":"g"}}"#
        #expect(try refusal(members, model: model)?.parameter == "tool_choice")
        #expect(
            try sent(members, model: model, drops: true) == #","tools":[\#(Self.sentG)],"tool_choice":{"type":"auto"}"#
        )
        let body = try anthropicBody(anthropicJob(members, model: model, drops: true))
        #expect(body.contains(#""system":[{"type":"text","text":"Answer by calling the tool g."}]"#))
    }

    @Test("A tool that must be called goes before thinking by budget")
    func budget() throws {
        let members = #","tools":[\#(Self.g)],"reasoning_effort":"low""#
        #expect(try sent(members).contains("budget_tokens"))
        #expect(
            try sent(members + #","tool_choice":"required""#)
                == #","tools":[\#(Self.sentG)],"tool_choice":{"type":"any"}"#
        )
    }
}
