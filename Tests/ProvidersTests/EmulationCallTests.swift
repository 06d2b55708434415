import Core
import OpenAIAPI
import Providers
import TestSupport
import Testing

/// What a machine made of a whole text: pieces of text joined, calls as `name(arguments)`.
struct CallRun: Equatable, CustomStringConvertible {
    var items: [String] = []
    var isRepaired = false
    var dropped = 0

    var description: String { "\(items)" }

    /// The text pieces are marked, so that no text can pass for a call.
    init(_ pieces: [String], tools: CallableTools, limit: Int = 4096, callLimit: Int = .max) {
        var machine = ToolCallMachine(tools, limit: limit, callLimit: callLimit)
        var found: [ToolCallMachine.Piece] = []
        for piece in pieces {
            // As callers do: each call's pieces into an empty list.
            var some: [ToolCallMachine.Piece] = []
            machine.feed(piece, into: &some)
            found += some
        }
        var last: [ToolCallMachine.Piece] = []
        machine.finish(into: &last)
        for piece in found + last { add(piece) }
        isRepaired = machine.hasRepaired
        dropped = machine.droppedCalls
    }

    private mutating func add(_ piece: ToolCallMachine.Piece) {
        switch piece {
        case .text(let text):
            if let last = items.last, last.utf8.first == UInt8(ascii: "|") {
                items[items.count - 1] += text
            } else {
                items.append("|" + text)
            }
        case .callBegan(let index, let name): items.append("\(index)\(name)(")
        case .arguments(_, let text): items[items.count - 1] += text
        case .callEnded: items[items.count - 1] += ")"
        }
    }

    /// The same whole, cut at every place, and one character at a time.
    static func everyCut(
        _ text: String,
        tools: CallableTools = CallRun.tools,
        limit: Int = 4096,
        callLimit: Int = .max,
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> CallRun {
        let whole = CallRun([text], tools: tools, limit: limit, callLimit: callLimit)
        for place in text.unicodeScalars.indices {
            let halves = [String(text[..<place]), String(text[place...])]
            let cut = CallRun(halves, tools: tools, limit: limit, callLimit: callLimit)
            guard cut == whole else {
                Issue.record("cut before \(halves[1]): \(cut), whole: \(whole)", sourceLocation: sourceLocation)
                return whole
            }
        }
        let drip = CallRun(text.unicodeScalars.map { String($0) }, tools: tools, limit: limit, callLimit: callLimit)
        #expect(drip == whole, "character by character", sourceLocation: sourceLocation)
        return whole
    }

    static let tools = CallableTools(names: ["f", "get_weather"])
}

@Suite("Calls found in text")
struct EmulationCallTests {
    private static let plain =
        #"<tool_calls><tool_call><tool_name>f</tool_name><parameters>{"a":1}</parameters></tool_call></tool_calls>"#
    private static let other =
        #"<tool_call><tool_name>get_weather</tool_name><parameters>{"city":"Zürich"}</parameters></tool_call>"#

    @Test("The form that models are told, with text around it, and several calls")
    func told() {
        #expect(CallRun.everyCut(Self.plain).items == [#"0f({"a":1})"#])
        #expect(
            CallRun.everyCut("Moment…\n" + Self.plain + "\n\nFertig 👍").items == [
                "|Moment…\n", #"0f({"a":1})"#, "|\n\nFertig 👍",
            ]
        )
        let several = Self.plain.replacing("</tool_calls>", with: "\n  " + Self.other + "\n</tool_calls>\n")
        #expect(CallRun.everyCut(several).items == [#"0f({"a":1})"#, #"1get_weather({"city":"Zürich"})"#])
        #expect(
            CallRun.everyCut(Self.plain + " und " + Self.other + ".").items
                == [#"0f({"a":1})"#, "| und ", #"1get_weather({"city":"Zürich"})"#, "|."]
        )
    }

    @Test(
        "What models make of it",
        arguments: [
            // Case and blanks.
            (
                "\n< TOOL_CALLS >\n <Tool_Call id=\"1\">\n<tool_name> f </tool_name >\n<Parameters>\n{}\n</ parameters>\n</TOOL_CALL></tool_calls>",
                "{}"
            ),
            ("<function_calls><tool_call><name>f</name><arguments>{}</arguments></tool_call></function_calls>", "{}"),
            // No arguments, or none that are written down.
            ("<tool_call><tool_name>f</tool_name></tool_call>", "{}"),
            ("<tool_call><tool_name>f</tool_name><parameters> </parameters></tool_call>", "{}"),
            ("<tool_call><tool_name>f</tool_name>{\"a\":[{}]}</tool_call>", "{\"a\":[{}]}"),
            // Arguments as a text.
            (
                #"<tool_call><tool_name>f</tool_name><parameters>"{\"a\":\"\\\"}\"}"</parameters></tool_call>"#,
                #"{"a":"\"}"}"#
            ),
            (#"<tool_call>{"name":"f","arguments":"{\"a\":1}"}</tool_call>"#, #"{"a":1}"#),
            (#"<tool_call>{"name":"f","arguments":""}</tool_call>"#, "{}"),
            // Tags and brackets inside of strings.
            (
                #"<tool_call><tool_name>f</tool_name><parameters>{"a":"</parameters></tool_call>{[\"","b":{"c":"}"}}</parameters></tool_call>"#,
                #"{"a":"</parameters></tool_call>{[\"","b":{"c":"}"}}"#
            ),
            // Other families.
            (#"<tool_call>\#n{"name": "f", "arguments": {"a": 1}}\#n</tool_call>"#, #"{"a": 1}"#),
            (#"<tool_call>{"arguments":{"a":1},"name":"f"}</tool_call>"#, #"{"a":1}"#),
            (#"<tool_call>{"type":"function","function":{"name":"f","parameters":{"a":1}}}</tool_call>"#, #"{"a":1}"#),
            (#"<tool_calls>[{"name":"f","arguments":{}}]</tool_calls>"#, "{}"),
            (#"<function=f>{"a":1}</function>"#, #"{"a":1}"#),
            (
                "<tool_call>\n<function=f>\n<parameter=a>\n1\n</parameter>\n<parameter=b>\nx < \"y\"\n</parameter>\n</function>\n</tool_call>",
                #"{"a":1,"b":"x < \"y\""}"#
            ),
            ("<tool_call><function=f></function></tool_call>", "{}"),
            // Fences and bare values.
            ("```json\n{\"name\":\"f\",\"arguments\":{\"a\":1}}\n```", #"{"a":1}"#),
            ("```tool_call\n{\"name\":\"f\"}\n```\n", "{}"),
            ("``` JSON \n[{\"tool\":\"f\",\"args\":{}}]```", "{}"),
            ("```xml\n" + plain + "\n```\n", #"{"a":1}"#),
            (
                "```\n{\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}\n```",
                "{}"
            ),
            (#" {"name":"functions.f","parameters":{"a":1}}"#, #"{"a":1}"#),
            (#"{"type":"function","name":"f","input":{}}"#, "{}"),
            // Ends that never come.
            (#"<tool_calls><tool_call><tool_name>f</tool_name><parameters>{"a":1}"#, #"{"a":1}"#),
            (#"<tool_calls><tool_call><tool_name>f</tool_name><parameters>{"a":1}</param"#, #"{"a":1}"#),
            (#"<tool_call>{"name":"f","arguments":{"a":1}}"#, #"{"a":1}"#),
            ("```json\n{\"name\":\"f\",\"arguments\":{\"a\":1}}\n``", #"{"a":1}"#),
            (#"<tool_call><tool_name>f</tool_name><parameters>{"a":1}</tool_call>"#, #"{"a":1}"#),
        ]
    )
    func spelled(text: String, arguments: String) {
        let run = CallRun.everyCut(text)
        #expect(run.items.prefix(1) == ["0f(\(arguments))"])
        // Half a fence is text.
        #expect(run.items.dropFirst().allSatisfy { $0 == "|\n``" })
        #expect(!run.isRepaired)
    }

    @Test(
        "Invalid arguments are repaired once",
        arguments: [
            (
                #"<tool_call><tool_name>f</tool_name><parameters>{"a":[1,{"b":"c"</parameters></tool_call>"#,
                #"{"a":[1,{"b":"c"}]}"#, ""
            ),
            (
                #"<tool_call><tool_name>f</tool_name><parameters>{"a":"b</parameters></tool_call>, "so""#,
                #"{"a":"b"}"#, #"|, "so""#
            ),
            (
                #"<tool_call><tool_name>f</tool_name><parameters>{"a":"b</parameters></tool_call> so"#, #"{"a":"b"}"#,
                "| so"
            ),
            (#"<tool_call><tool_name>f</tool_name><parameters>{"a":"b\u00"#, #"{"a":"b"}"#, ""),
            (#"<tool_call><tool_name>f</tool_name><parameters>{"a":"b\"#, #"{"a":"b"}"#, ""),
            (#"<tool_call><tool_name>f</tool_name><parameters>{"a":1, "#, #"{"a":1}"#, ""),
            (#"<tool_call>{"name":"f","arguments":{"a":1,}}</tool_call>"#, #"{"a":1}"#, ""),
            ("<tool_call>{\"name\":\"f\",\"arguments\":{\"a\":\"x\n\ty\"}}</tool_call>", #"{"a":"x\n\ty"}"#, ""),
            (#"<tool_call>{"name":"f","arguments":{"a":1}</tool_call>"#, #"{"a":1}"#, ""),
            ("<function=f><parameter=a>x", #"{"a":"x"}"#, ""),
        ]
    )
    func repaired(text: String, arguments: String, rest: String) {
        let run = CallRun.everyCut(text)
        #expect(run.items == ["0f(\(arguments))"] + (rest.isEmpty ? [] : [rest]))
        #expect(run.isRepaired)
    }

    @Test(
        "What is no call stays the text it was",
        arguments: [
            "", " ", "\n\n", "a < b, c <- d, <tool, `x` and <tool_calls> as a word",
            "<tool_call><tool_name>unknown</tool_name><parameters>{}</parameters></tool_call>",
            "<tool_calls>\n<tool_call>{\"name\":\"F\",\"arguments\":{}}</tool_call></tool_calls>",
            "<function=g>{}</function>", "<tool_call>", "<tool_calls><tool_call><tool_name>f</tool_name>",
            "<tool_call><tool_name>f</tool_name><parameters>[1]</parameters></tool_call>",
            "<tool_call><tool_name>f</tool_name><parameters>{'a':1}</parameters></tool_call>",
            "<tool_call><tool_name>f</tool_name><parameters>{\"a\":1 \"b\":2}</parameters></tool_call>",
            "<tool_call><tool_name>f</tool_name> is how a call begins", "<<<<tool_call>>>", "</tool_calls></tool_call>",
            "```json\n{\"name\":\"package\",\"version\":\"1.0.0\"}\n```\n", "```json\n[1,2,{\"name\":\"f\"}]\n```",
            "```json\n{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}\n```",
            "```json\n{\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{}}}\n```",
            "```json\n{\"name\":\"f\"}\n```", "```python\nf({\"a\":1})\n```",
            "say `f` or ```json\n{\"name\":\"f\",\"arguments\":{}}\n```",
            "{\"name\":\"f\"}", "{\"name\":1}", "[]", "{}", "[[]]", "{\"id\":1,\"name\":\"f\",\"arguments\":{}}",
            "{\"a\":1}",
            "So: {\"name\":\"f\",\"arguments\":{}}", "<tool_call>{\"name\":\"f\"", "<tool_calls>[]</tool_calls>",
            "```json\n[{\"name\":\"f\",\"arguments\":{}},{\"name\":\"g\",\"arguments\":{}}]\n```", "```",
            "````json\n{}",
            "<tool_result id=\"1\">x</tool_result>",
        ]
    )
    func text(text: String) {
        #expect(CallRun.everyCut(text).items == (text.isEmpty ? [] : ["|" + text]))
    }

    @Test("Rejected text may hold a call further on")
    func resumed() {
        #expect(
            CallRun.everyCut("<tool_calls> <tool_call><" + Self.plain).items == [
                "|<tool_calls> <tool_call><", #"0f({"a":1})"#,
            ]
        )
        let unknown = "<tool_call><tool_name>g</tool_name><parameters>{}</parameters></tool_call>"
        #expect(CallRun.everyCut(unknown + Self.other).items == ["|" + unknown, #"0get_weather({"city":"Zürich"})"#])
    }

    @Test("Text goes on at once, and no more is held back than may begin a call")
    func prompt() {
        var machine = ToolCallMachine(CallRun.tools)
        func feed(_ text: String) -> [ToolCallMachine.Piece] {
            var pieces: [ToolCallMachine.Piece] = []
            machine.feed(text, into: &pieces)
            return pieces
        }
        #expect(feed("a") == [.text("a")])
        #expect(feed(" <") == [.text(" ")])
        #expect(feed("b ") == [.text("<b ")])
        #expect(feed("x<tool_ca") == [.text("x")])
        #expect(feed("p> ") == [.text("<tool_cap> ")])
        #expect(feed("\n```") == [.text("\n")])
        #expect(feed("js") == [])
        #expect(feed("x\n") == [.text("```jsx\n")])
        #expect(feed("```json\n{\"ver") == [])
        #expect(feed("sion\":") == [.text("```json\n{\"version\":")])
        #expect(feed("<tool_calls>") == [])
        #expect(feed(" are") == [.text("<tool_calls> are")])
    }

    @Test("A call that grows beyond the limit is text, and so is what follows it")
    func bounded() {
        let long =
            #"<tool_call><tool_name>f</tool_name><parameters>{"a":"\#(String(repeating: "é", count: 60))"}</parameters></tool_call>"#
        #expect(CallRun.everyCut(long, limit: 120).items == ["|" + long])
        #expect(CallRun.everyCut(long, limit: 400).items.count == 1)
        let names = "<tool_call><tool_name>" + String(repeating: "n", count: 600)
        #expect(CallRun([names], tools: CallRun.tools).items == ["|" + names])
        let deep = "<tool_call><tool_name>f</tool_name><parameters>" + String(repeating: "[", count: 200)
        #expect(CallRun([deep], tools: CallRun.tools).items == ["|" + deep])
        let blank = String(repeating: " ", count: 5000)
        #expect(CallRun([blank + "x"], tools: CallRun.tools).items == ["|" + blank + "x"])
    }

    @Test("More calls than are wanted are left out; without tools there are none")
    func counted() {
        let run = CallRun.everyCut(Self.plain + Self.other + " x", callLimit: 1)
        #expect(run.items == [#"0f({"a":1})"#, "| x"])
        #expect(run.dropped == 1)
        let none = CallableTools(names: [])
        #expect(CallRun.everyCut(" \n" + Self.plain, tools: none).items == ["| \n" + Self.plain])
    }

    @Test("Parameters that the schema calls texts are texts")
    func typed() throws {
        let body =
            #"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}}}}}]}"#
        let chat = try ChatRequest(ModelRequest(.chat, body: Array(body.utf8)))
        let text = "<function=f><parameter=a>01</parameter><parameter=b>2</parameter></function>"
        #expect(CallRun.everyCut(text, tools: CallableTools(chat.tools)).items == [#"0f({"a":"01","b":2})"#])
    }

    @Test("Whatever comes, nothing breaks, nothing is lost, and the cuts do not matter")
    func random() {
        var random = SeededGenerator(seed: 7)
        let parts = [
            "<", ">", "/", "tool_call", "tool_calls", "tool_name", "f", "g", "parameters", "{", "}", "\"", ":", ",",
            "[", "]",
            "name", "arguments", "```", "json", "\n", " ", "\\", "é", "<tool_call>", "<tool_name>f</tool_name>",
            "<parameters>",
            "{\"name\":\"f\",\"arguments\":", "</parameters>", "</tool_call>", "<function=f>", "<parameter=a>", "`",
            "1", "👍",
        ]
        for round in 0..<2000 {
            let text: String
            if round.isMultiple(of: 2) {
                text = (0..<Int.random(in: 1...24, using: &random)).map { _ in parts.randomElement(using: &random) ?? ""
                }.joined()
            } else {
                let bytes = (0..<Int.random(in: 1...80, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                text = String(decoding: bytes, as: UTF8.self)
            }
            let whole = CallRun([text], tools: CallRun.tools, limit: 64)
            let drip = CallRun(text.unicodeScalars.map { String($0) }, tools: CallRun.tools, limit: 64)
            guard whole == drip else {
                Issue.record("\(text.debugDescription): whole \(whole), drip \(drip)")
                return
            }
            if whole.items.allSatisfy({ $0.utf8.first == UInt8(ascii: "|") }) {
                #expect(whole.items == ["|" + text])
            }
        }
    }
}
