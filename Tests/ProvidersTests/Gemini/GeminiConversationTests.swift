import Core
import OpenAIAPI
import Providers
import Testing

@Suite("Conversations for Gemini")
struct GeminiConversationTests {
    private let old = "gemini-2.0-flash"
    private let new = "gemini-3-pro-preview"

    private func contents(
        _ messages: String,
        model: String = "gemini-2.0-flash",
        _ materials: Materials = Materials()
    ) throws -> String {
        try geminiBody(messages: messages, model: model, materials: materials)
    }

    private func refusal(_ messages: String, model: String = "gemini-2.0-flash") -> GatewayError? {
        #expect(throws: GatewayError.self) { try geminiBody(messages: messages, model: model) }
    }

    @Test("Leading instructions stand apart, later ones in their place with a mark")
    func system() throws {
        let body = try contents(
            #"[{"role":"system","content":"a\u00e9"},{"role":"developer","content":[{"type":"text","text":"b"},{"type":"text","text":"c"}]},"#
                + #"{"role":"user","content":"x"},{"role":"system","content":"d"}]"#
        )
        #expect(
            body == #"{"systemInstruction":{"parts":[{"text":"a\u00e9"},{"text":"bc"}]},"#
                + #""contents":[{"role":"user","parts":[{"text":"x"}]},"#
                + #"{"role":"user","parts":[{"text":"[System instruction]\nd"}]}]}"#
        )
    }

    @Test("Instructions alone are the question")
    func onlySystem() throws {
        #expect(
            try contents(#"[{"role":"system","content":"a"}]"#)
                == #"{"contents":[{"role":"user","parts":[{"text":"a"}]}]}"#
        )
    }

    @Test("Turns alternate between user and model; what says nothing is no turn")
    func turns() throws {
        let body = try contents(
            #"[{"role":"user","content":""},{"role":"assistant","content":"b","reasoning_content":"hm"},"#
                + #"{"role":"assistant","content":""},{"role":"assistant","content":[{"type":"refusal","refusal":"no"}]},"#
                + #"{"role":"user","content":[{"type":"text","text":""},{"type":"text","text":"c"}]}]"#
        )
        #expect(
            body == #"{"contents":[{"role":"user","parts":[{"text":""}]},{"role":"model","parts":[{"text":"b"}]},"#
                + #"{"role":"model","parts":[{"text":"no"}]},{"role":"user","parts":[{"text":"c"}]}]}"#
        )
    }

    @Test(
        "Images, sounds and files",
        arguments: [
            (
                #"{"type":"image_url","image_url":{"url":"data:image/jpg;base64,QQ=="}}"#,
                #"{"inlineData":{"mimeType":"image/jpeg","data":"QQ=="}}"#
            ),
            (
                #"{"type":"image_url","image_url":{"url":"https://x/a.png"}}"#,
                #"{"inlineData":{"mimeType":"image/png","data":"AQID"}}"#
            ),
            (
                #"{"type":"image_url","image_url":{"url":"https://www.youtube.com/watch?v=1"}}"#,
                #"{"fileData":{"fileUri":"https://www.youtube.com/watch?v=1"}}"#
            ),
            (
                #"{"type":"input_audio","input_audio":{"data":"QQ==","format":"mp3"}}"#,
                #"{"inlineData":{"mimeType":"audio/mp3","data":"QQ=="}}"#
            ),
            (
                #"{"type":"file","file":{"file_data":"data:application/pdf;base64,QQ==","filename":"f"}}"#,
                #"{"inlineData":{"mimeType":"application/pdf","data":"QQ=="}}"#
            ),
            (
                #"{"type":"file","file":{"file_id":"https://generativelanguage.googleapis.com/v1beta/files/a","format":"application/pdf"}}"#,
                #"{"fileData":{"mimeType":"application/pdf","fileUri":"https://generativelanguage.googleapis.com/v1beta/files/a"}}"#
            ),
        ] as [(String, String)]
    )
    func media(_ part: String, _ expected: String) throws {
        var materials = Materials()
        materials.files["https://x/a.png"] = FetchedFile(mediaType: "image/png", content: [1, 2, 3])
        let messages = #"[{"role":"user","content":[\#(part),{"type":"text","text":"x"}]}]"#
        #expect(
            try contents(messages, model: "gemini-2.0-flash", materials)
                == #"{"contents":[{"role":"user","parts":[\#(expected),{"text":"x"}]}]}"#
        )
    }

    @Test("How closely to look: of each image on new models, of all on old ones")
    func detail() throws {
        let image = #"{"type":"image_url","image_url":{"url":"data:image/png;base64,QQ==","detail":"low"}}"#
        let messages = #"[{"role":"user","content":[\#(image)]}]"#
        let inline = #"{"inlineData":{"mimeType":"image/png","data":"QQ=="}"#
        #expect(
            try contents(messages, model: new)
                == #"{"contents":[{"role":"user","parts":[\#(inline),"mediaResolution":{"level":"MEDIA_RESOLUTION_LOW"}}]}]}"#
        )
        #expect(
            try contents(messages)
                == #"{"contents":[{"role":"user","parts":[\#(inline)}]}],"generationConfig":{"mediaResolution":"MEDIA_RESOLUTION_LOW"}}"#
        )
    }

    @Test(
        "What cannot be sent is refused with its place",
        arguments: [
            (#"{"type":"image_url","image_url":{"url":"ftp://x/y"}}"#, "messages[0].content[0].image_url.url"),
            (
                #"{"type":"image_url","image_url":{"url":"data:image/png,hello"}}"#,
                "messages[0].content[0].image_url.url"
            ),
            (#"{"type":"file","file":{"file_id":"file-123"}}"#, "messages[0].content[0].file.file_id"),
            (#"{"type":"file","file":{"filename":"f"}}"#, "messages[0].content[0].file"),
            (#"{"type":"hologram","x":1}"#, "messages[0].content[0].type"),
        ]
    )
    func unfit(_ part: String, _ parameter: String) {
        let error = refusal(#"[{"role":"user","content":[\#(part)]}]"#)
        #expect(error?.parameter == parameter)
        #expect(error?.status == 400)
    }

    private let calls =
        #"{"role":"assistant","content":"so","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"城\": 1}"}},"#
        + #"{"id":"c2","type":"function","function":{"name":"f","arguments":""}}]}"#

    @Test("All results come in one turn, in the order of the calls, as objects")
    func results() throws {
        let body = try contents(
            #"[{"role":"user","content":"x"},\#(calls),{"role":"tool","tool_call_id":"c2","content":"{\"a\": [1]}"},"#
                + #"{"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"30"},{"type":"text","text":"°C"}]},"#
                + #"{"role":"user","content":"y"}]"#
        )
        #expect(
            body == #"{"contents":[{"role":"user","parts":[{"text":"x"}]},{"role":"model","parts":[{"text":"so"},"#
                + #"{"functionCall":{"name":"f","args":{"城": 1}}},{"functionCall":{"name":"f","args":{}}}]},"#
                + #"{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"result":"30°C"}}},"#
                + #"{"functionResponse":{"name":"f","response":{"a": [1]}}}]},{"role":"user","parts":[{"text":"y"}]}]}"#
        )
    }

    @Test(
        "Anything but an object is wrapped",
        arguments: [
            (#""content":"[1]""#, #"{"result":"[1]"}"#), (#""content":"""#, #"{"result":""}"#),
            (#""content":"no","is_error":true"#, #"{"error":"no"}"#),
        ]
    )
    func wrapped(_ content: String, _ expected: String) throws {
        let body = try contents(
            #"[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"g","arguments":"{}"}}]},"#
                + #"{"role":"tool","tool_call_id":"c",\#(content)}]"#
        )
        #expect(body.contains(#"{"functionResponse":{"name":"g","response":\#(expected)}}"#))
    }

    @Test("Old function messages know their function by name")
    func functionMessages() throws {
        let body = try contents(
            #"[{"role":"user","content":"x"},{"role":"assistant","content":null,"function_call":{"name":"g","arguments":"{}"}},"#
                + #"{"role":"function","name":"g","content":"1"}]"#
        )
        #expect(body.contains(#"{"functionResponse":{"name":"g","response":{"result":"1"}}}"#))
    }

    @Test(
        "Results without calls, calls without results, and arguments that are none",
        arguments: [
            (#"{"role":"tool","tool_call_id":"c9","content":"1"}"#, "messages[1].tool_call_id"),
            (
                #"{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},"#
                    + #"{"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"1"}"#,
                "messages[1].tool_calls[1]"
            ),
            (
                #"{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"a\":"}}]}"#,
                "messages[1].tool_calls[0].function.arguments"
            ),
        ] as [(String, String)]
    )
    func unpaired(_ messages: String, _ parameter: String) {
        #expect(refusal(#"[{"role":"user","content":"x"},\#(messages)]"#)?.parameter == parameter)
    }

    @Test("Results with images are for new models only")
    func resultImages() throws {
        let messages =
            #"[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"call_1","type":"function","function":{"name":"g","arguments":"{}"}}]},"#
            + #"{"role":"tool","tool_call_id":"call_1","content":[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"data:image/png;base64,QQ=="}}]}]"#
        #expect(refusal(messages)?.parameter == "messages[2].content[1]")
        #expect(
            try contents(messages, model: new).contains(
                #"{"functionResponse":{"name":"g","response":{"result":"see"},"parts":[{"inlineData":{"mimeType":"image/png","data":"QQ=="}}]}}"#
            )
        )
    }
}
