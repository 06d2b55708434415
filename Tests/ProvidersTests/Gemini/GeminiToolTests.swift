import Core
import OpenAIAPI
import Providers
import Testing

private let turn = #""contents":[{"role":"user","parts":[{"text":"x"}]}]"#

private func tools(_ functions: String...) -> String {
    #""tools":["# + functions.map { #"{"type":"function","function":\#($0)}"# }.joined(separator: ",") + "]"
}

@Suite("Tools for Gemini")
struct GeminiToolTests {
    private let two = tools(#"{"name":"f"}"#, #"{"name":"g"}"#)

    @Test("A schema goes as it is, and not at all where it says nothing")
    func declarations() throws {
        let schema = #"{"type":"object","properties":{"城市":{"anyOf":[{"type":"string"}]}},"$defs":{}}"#
        #expect(
            try geminiBody(tools(#"{"name":"f","description":"d\n","parameters":\#(schema),"strict":true}"#))
                == #"{\#(turn),"tools":[{"functionDeclarations":[{"name":"f","description":"d\n","parametersJsonSchema":\#(schema)}]}]}"#
        )
        for empty in [
            "{}", #"{"type":"object","properties":{}}"#,
            #"{"type":"object","properties":{},"required":[],"additionalProperties":false}"#,
        ] {
            #expect(
                try geminiBody(tools(#"{"name":"f","parameters":\#(empty)}"#))
                    == #"{\#(turn),"tools":[{"functionDeclarations":[{"name":"f"}]}]}"#
            )
        }
    }

    @Test(
        "The choice of a tool",
        arguments: [
            (#""auto""#, #""mode":"AUTO""#), (#""none""#, #""mode":"NONE""#), (#""required""#, #""mode":"ANY""#),
            (#"{"type":"function","function":{"name":"g"}}"#, #""mode":"ANY","allowedFunctionNames":["g"]"#),
            (
                #"{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}}"#,
                #""mode":"ANY","allowedFunctionNames":["f"]"#
            ),
        ] as [(String, String)]
    )
    func choice(_ choice: String, _ expected: String) throws {
        let body = try geminiBody(two + #","tool_choice":\#(choice)"#)
        #expect(
            body == #"{\#(turn),"tools":[{"functionDeclarations":[{"name":"f"},{"name":"g"}]}],"#
                + #""toolConfig":{"functionCallingConfig":{\#(expected)}}}"#
        )
    }

    @Test("Where a call may but need not be made, only allowed functions are told")
    func allowedAuto() throws {
        let choice =
            #"{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"g"}}]}}"#
        #expect(
            try geminiBody(two + #","tool_choice":\#(choice)"#)
                == #"{\#(turn),"tools":[{"functionDeclarations":[{"name":"g"}]}],"toolConfig":{"functionCallingConfig":{"mode":"AUTO"}}}"#
        )
    }

    @Test("The old functions are the same")
    func functions() throws {
        #expect(
            try geminiBody(#""functions":[{"name":"f"}],"function_call":{"name":"f"}"#)
                == #"{\#(turn),"tools":[{"functionDeclarations":[{"name":"f"}]}],"#
                + #""toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}}}"#
        )
    }

    @Test(
        "Names that do not fit are refused with their place",
        arguments: [
            (tools(#"{"name":"1f"}"#), "tools[0].function.name"),
            (tools(#"{"name":"f"}"#, #"{"name":"ä"}"#), "tools[1].function.name"),
            (tools(#"{"name":"f"}"#) + #","tool_choice":{"function":{"name":"g"}}"#, "tool_choice.function.name"),
            (
                tools(#"{"name":"f"}"#)
                    + #","tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"name":"g"}]}}"#,
                "tool_choice.allowed_tools.tools"
            ),
        ] as [(String, String)]
    )
    func names(_ members: String, _ parameter: String) {
        let error = #expect(throws: GatewayError.self) { try geminiBody(members) }
        #expect(error?.parameter == parameter)
    }

    @Test(
        "1.x gets the part of OpenAPI it knows",
        arguments: [
            (
                #"{"$schema":"s","title":"T","type":"object","properties":{"a":{"type":["string","null"],"format":"uri"}},"additionalProperties":false,"required":["a"]}"#,
                #"{"type":"object","required":["a"],"properties":{"a":{"type":"string","nullable":true}}}"#
            ),
            (
                ##"{"type":"object","properties":{"a":{"$ref":"#/$defs/A~1b"}},"$defs":{"A/b":{"const":"x","type":"string"}}}"##,
                #"{"type":"object","properties":{"a":{"type":"string","enum":["x"]}}}"#
            ),
            (
                #"{"type":"array","items":{"oneOf":[{"type":"integer","format":"int32"},{"type":"null"}]}}"#,
                #"{"type":"array","items":{"nullable":true,"anyOf":[{"type":"integer","format":"int32"}]}}"#
            ),
            (
                #"{"type":"string","format":"date-time","enum":["a"],"description":"d"}"#,
                #"{"type":"string","format":"date-time","description":"d","enum":["a"]}"#
            ),
        ] as [(String, String)]
    )
    func schema(_ schema: String, _ expected: String) throws {
        let body = try geminiBody(tools(#"{"name":"f","parameters":\#(schema)}"#), model: "gemini-1.5-pro-latest")
        #expect(
            body == #"{\#(turn),"tools":[{"functionDeclarations":[{"name":"f","parameters":\#(expected)}]}]}"#
        )
        let format = #""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":\#(schema)}}"#
        #expect(
            try geminiBody(format, model: "gemini-1.5-flash")
                == #"{\#(turn),"generationConfig":{"responseMimeType":"application/json","responseSchema":\#(expected)}}"#
        )
    }

    @Test(
        "Schemas without end are refused, not followed",
        arguments: [
            ##"{"$ref":"#"}"##, #"{"$ref":"https://x/y"}"#, ##"{"type":"object","properties":{"a":{"$ref":"#"}}}"##,
            ##"{"properties":{"a":{"$ref":"#/$defs/a"}},"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"},{"$ref":"#/$defs/b"}]},"b":{"anyOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}]}}}"##,
            ##"{"$ref":"#/$defs/none"}"##, #"{"properties":{"a":1}}"#,
        ]
    )
    func endless(_ schema: String) {
        let error = #expect(throws: GatewayError.self) {
            try geminiBody(tools(#"{"name":"f","parameters":\#(schema)}"#), model: "gemini-1.5-pro")
        }
        #expect(error?.parameter == "tools[0].function.parameters")
        #expect(error?.status == 400)
    }
}
