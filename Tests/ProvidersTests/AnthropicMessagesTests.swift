import Core
import OpenAIAPI
import Providers
import Testing

@Suite("Conversations for Anthropic")
struct AnthropicMessagesTests {
    private func sent(
        _ messages: String,
        model: String = "claude-sonnet-4-5",
        _ members: String = "",
        kept: [String: String] = [:]
    ) throws -> String {
        let body = try anthropicBody(anthropicJob(members, messages: messages, model: model, kept: kept))
        let head = #"{"model":"\#(model)","max_tokens":\#(model.contains("4-5") ? 64000 : 128_000),"#
        #expect(body.hasPrefix(head))
        return String(body.dropFirst(head.count).dropLast())
    }

    private func refusal(_ messages: String, model: String = "claude-sonnet-4-5") -> GatewayError? {
        do {
            _ = try anthropic.translate(anthropicJob(messages: messages, model: model))
            return nil
        } catch {
            return error as? GatewayError
        }
    }

    private static func turn(_ role: String, _ blocks: String...) -> String {
        #"{"role":"\#(role)","content":[\#(blocks.joined(separator: ","))]}"#
    }

    private static func text(_ text: String) -> String { #"{"type":"text","text":"\#(text)"}"# }

    private static func list(_ turns: String...) -> String { #""messages":[\#(turns.joined(separator: ","))]"# }

    @Test("Leading system and developer messages, in order")
    func system() throws {
        let body = try sent(
            #"[{"role":"system","content":"a"},{"role":"developer","content":[{"type":"text","text":"b","cache_control":{"type":"ephemeral"}}]},{"role":"user","content":"x"}]"#
        )
        #expect(
            body
                == #""system":[{"type":"text","text":"a"},{"type":"text","text":"b","cache_control":{"type":"ephemeral"}}],"#
                + Self.list(Self.turn("user", Self.text("x")))
        )
    }

    @Test("A later system message stays where it stands")
    func laterSystem() throws {
        let messages =
            #"[{"role":"user","content":"x"},{"role":"assistant","content":"y"},{"role":"system","content":"now"},{"role":"user","content":"z"}]"#
        #expect(
            try sent(messages)
                == Self.list(
                    Self.turn("user", Self.text("x")),
                    Self.turn("assistant", Self.text("y")),
                    Self.turn("user", Self.text("<system>now</system>"), Self.text("z"))
                )
        )
        #expect(
            try sent(messages, model: "claude-opus-4-8")
                == Self.list(
                    Self.turn("user", Self.text("x")),
                    Self.turn("assistant", Self.text("y")),
                    Self.turn("system", Self.text("now")),
                    Self.turn("user", Self.text("z"))
                )
        )
    }

    @Test("A conversation begins with the user, and says something")
    func beginning() throws {
        #expect(
            try sent(#"[{"role":"assistant","content":"hi"},{"role":"user","content":"x"}]"#)
                == Self.list(
                    Self.turn("user", Self.text(".")),
                    Self.turn("assistant", Self.text("hi")),
                    Self.turn("user", Self.text("x"))
                )
        )
        #expect(
            try sent(#"[{"role":"system","content":"s"}]"#)
                == #""system":[{"type":"text","text":"s"}],"# + Self.list(Self.turn("user", Self.text(".")))
        )
    }

    @Test("Texts of nothing but space are left out, escapes stay as they were")
    func blank() throws {
        #expect(
            try sent(
                #"[{"role":"user","content":[{"type":"text","text":""},{"type":"text","text":" \n\t"},{"type":"text","text":"é\u00e9\n"}]},{"role":"assistant","content":""},{"role":"user","content":"z","name":"bob"}]"#
            ) == Self.list(Self.turn("user", Self.text(#"é\u00e9\n"#), Self.text("bob: "), Self.text("z")))
        )
    }

    @Test(
        "Images and files",
        arguments: [
            (
                #"{"type":"image_url","image_url":{"url":"data:image/jpg;base64,QUJD","detail":"low"},"cache_control":{"type":"ephemeral"}}"#,
                #"{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"QUJD"},"cache_control":{"type":"ephemeral"}}"#
            ),
            (
                #"{"type":"image_url","image_url":{"url":"https://host/a.png"}}"#,
                #"{"type":"image","source":{"type":"url","url":"https://host/a.png"}}"#
            ),
            (
                #"{"type":"file","file":{"file_data":"data:application/pdf;base64,QUJD","filename":"a.pdf"}}"#,
                #"{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"QUJD"},"title":"a.pdf"}"#
            ),
            (
                #"{"type":"file","file":{"file_data":"data:text/markdown;base64,5LiA"},"citations":{"enabled":true},"title":"t","context":"c"}"#,
                #"{"type":"document","source":{"type":"text","media_type":"text/plain","data":"一"},"title":"t","context":"c","citations":{"enabled":true}}"#
            ),
            (
                #"{"type":"file","file":{"file_data":"https://host/a.pdf"}}"#,
                #"{"type":"document","source":{"type":"url","url":"https://host/a.pdf"}}"#
            ),
            (
                #"{"type":"file","file":{"file_data":"data:image/png;base64,QUJD"}}"#,
                #"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUJD"}}"#
            ),
            (
                #"{"type":"file","file":{"file_id":"file_1"}}"#,
                #"{"type":"document","source":{"type":"file","file_id":"file_1"}}"#
            ),
            // The vendor's own blocks pass.
            (
                #"{"type":"search_result","source":"s","title":"t","content":[]}"#,
                #"{"type":"search_result","source":"s","title":"t","content":[]}"#
            ),
        ]
    )
    func parts(_ part: String, _ block: String) throws {
        #expect(try sent(#"[{"role":"user","content":[\#(part)]}]"#) == Self.list(Self.turn("user", block)))
    }

    @Test(
        "Parts that cannot be sent are named",
        arguments: [
            (#"{"type":"input_audio","input_audio":{"data":"QUJD","format":"wav"}}"#, ""),
            (#"{"type":"image_url","image_url":{"url":"ftp://x"}}"#, ".image_url.url"),
            (#"{"type":"image_url","image_url":{"url":"data:image/tiff;base64,QUJD"}}"#, ".image_url.url"),
            (#"{"type":"file","file":{}}"#, ".file.file_data"),
            (#"{"type":"file","file":{"file_data":"data:text/plain;base64,/w=="}}"#, ".file.file_data"),
            (#"{"type":"file","file":{"file_data":"data:application/zip;base64,QUJD"}}"#, ".file.file_data"),
            (#"{"type":"video_url","video_url":{}}"#, ".type"),
        ]
    )
    func badParts(_ part: String, _ suffix: String) {
        let error = refusal(#"[{"role":"user","content":[\#(part)]}]"#)
        #expect(error?.parameter == "messages[0].content[0]\(suffix)")
        #expect(error?.status == 400)
    }

    @Test("Calls and results: all results first, and together")
    func tools() throws {
        let messages =
            #"[{"role":"user","content":"x"},{"role":"assistant","content":"ok","tool_calls":["#
            + #"{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}},"#
            + #"{"id":"call_2","type":"function","function":{"name":"g","arguments":""}}]},"#
            + #"{"role":"user","content":"between"},"#
            + #"{"role":"tool","tool_call_id":"call_1","content":"one"},"#
            + #"{"role":"tool","tool_call_id":"call_2","content":[{"type":"text","text":"two"},{"type":"image_url","image_url":{"url":"http://h/i"}}],"is_error":true},"#
            + #"{"role":"user","content":"go on"}]"#
        #expect(
            try sent(messages)
                == Self.list(
                    Self.turn("user", Self.text("x")),
                    Self.turn(
                        "assistant",
                        Self.text("ok"),
                        #"{"type":"tool_use","id":"call_1","name":"f","input":{"a": 1}}"#,
                        #"{"type":"tool_use","id":"call_2","name":"g","input":{}}"#
                    ),
                    Self.turn(
                        "user",
                        #"{"type":"tool_result","tool_use_id":"call_1","content":"one"}"#,
                        #"{"type":"tool_result","tool_use_id":"call_2","content":[{"type":"text","text":"two"},{"type":"image","source":{"type":"url","url":"http://h/i"}}],"is_error":true}"#,
                        Self.text("between"),
                        Self.text("go on")
                    )
                )
        )
    }

    @Test("Ids of other vendors, and of none, become ids that this one takes")
    func ids() throws {
        func call(_ id: String) -> String {
            #"{"role":"assistant","content":null,"tool_calls":[{"id":"\#(id)","type":"function","function":{"name":"f","arguments":"{}"}}]},"#
                + #"{"role":"tool","tool_call_id":"\#(id)","content":"r"}"#
        }
        func use(_ id: String) -> String { #"{"type":"tool_use","id":"\#(id)","name":"f","input":{}}"# }
        func result(_ id: String) -> String { #"{"type":"tool_result","tool_use_id":"\#(id)","content":"r"}"# }
        #expect(
            try sent(#"[{"role":"user","content":"x"},\#(call("a.b:c")),\#(call("same")),\#(call("same"))]"#)
                == Self.list(
                    Self.turn("user", Self.text("x")),
                    Self.turn("assistant", use("a_b_c")),
                    Self.turn("user", result("a_b_c")),
                    Self.turn("assistant", use("same")),
                    Self.turn("user", result("same")),
                    Self.turn("assistant", use("same_2")),
                    Self.turn("user", result("same_2"))
                )
        )
    }

    @Test("Arguments that are no object are the client's to mend", arguments: ["{", "[1]", "7", "nonsense"])
    func badArguments(_ arguments: String) {
        let error = refusal(
            #"[{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"\#(arguments)"}}]}]"#
        )
        #expect(error?.parameter == "messages[0].tool_calls[0].function.arguments")
    }

    @Test("An answer that the client has begun is gone on with where the model can")
    func prefill() throws {
        let messages = #"[{"role":"user","content":"x"},{"role":"assistant","content":"{\"a\": \n"}]"#
        #expect(
            try sent(messages)
                == Self.list(Self.turn("user", Self.text("x")), Self.turn("assistant", Self.text(#"{\"a\":"#)))
        )
        let error = refusal(messages, model: "claude-opus-4-6")
        #expect(error?.parameter == "messages")
        #expect(error?.retry == .elsewhere)
    }

    @Test("The message's own cache control goes to its last block")
    func cacheControl() throws {
        let marker = #""cache_control":{"type":"ephemeral"}"#
        #expect(
            try sent(
                #"[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],\#(marker)},"#
                    + #"{"role":"assistant","content":"c","tool_calls":[{"id":"i","type":"function","function":{"name":"f","arguments":"{}"}}],\#(marker)},"#
                    + #"{"role":"tool","tool_call_id":"i","content":"d",\#(marker)}]"#
            )
                == Self.list(
                    Self.turn("user", Self.text("a"), #"{"type":"text","text":"b",\#(marker)}"#),
                    Self.turn(
                        "assistant",
                        Self.text("c"),
                        #"{"type":"tool_use","id":"i","name":"f","input":{},\#(marker)}"#
                    ),
                    Self.turn("user", #"{"type":"tool_result","tool_use_id":"i","content":"d",\#(marker)}"#)
                )
        )
    }
}
